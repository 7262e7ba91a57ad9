-- The open balance of each player with fees on this day that no charge covers. Left alone while a fee that was
-- corrected is covered by a charge whose outcome is open: until then nobody knows how much is left to ask for.
with uncollected as (
    select f.player_id, f.currency, f.day, f.match_player_id,
        bool_or(f.charge_id is null) as is_open, bool_or(f.charge_id is not null) as is_covered
    from (select distinct player_id, currency from payouts.fees where day = %(day)s) as players
    join payouts.fees as f using (player_id, currency)
    where f.release_id is null
    group by f.player_id, f.currency, f.day, f.match_player_id
), open as (
    select player_id, currency
    from uncollected
    group by player_id, currency
    having bool_or(is_open) and not bool_or(is_open and is_covered)
)
select
    a.id as account_id, a.subject as billing_subject, a.subject_id, a.currency,
    a.booked_minor - a.in_flight_minor - a.settled_minor as amount_minor,
    coalesce(
        (select max(i.sequence) from payouts.instructions as i where i.day = %(day)s and i.account_id = a.id), 0
    ) + 1 as sequence
from open as o
join payouts.accounts as a on a.subject = 'player' and a.subject_id = o.player_id and a.currency = o.currency
where a.booked_minor - a.in_flight_minor - a.settled_minor > 0
