-- Locks the accounts of all players with fees on this day, in the order of their ids. Every transaction takes its
-- locks in one order, so that none can deadlock: day, players by id, payees by id, instructions by id.
select a.id
from payouts.accounts as a
where a.subject = 'player'
    and (a.subject_id, a.currency) in (select player_id, currency from payouts.fees where day = %(day)s)
order by a.id
for no key update
