-- Locks the accounts of the instructions in `taken_up`, players' by id and then payees' by id as every transaction does,
-- and before any instruction: whoever places a hold does the same, so that none slips through between the two.
select a.id
from payouts.accounts as a
where a.id in (select i.account_id from payouts.instructions as i join taken_up as t on t.id = i.id)
order by a.subject <> 'player', a.id
for no key update
