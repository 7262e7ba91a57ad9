-- Charges that ask for more than is owed since a correction, and of which nothing is under way at the provider.
create temporary table retracted on commit drop as
with owed_less as (
    select a.id
    from payouts.accounts as a
    where a.subject = 'player'
        and (a.subject_id, a.currency) in (select player_id, currency from payouts.fees where day = %(day)s)
        and a.booked_minor - a.in_flight_minor - a.settled_minor < 0
)
select i.id, i.account_id, i.amount_minor
from payouts.instructions as i
where i.account_id in (select id from owed_less) and i.status = any(%(retractable)s)
order by i.id
for update
