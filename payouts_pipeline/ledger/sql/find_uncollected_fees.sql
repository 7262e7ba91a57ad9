-- All that the players of this day have not paid yet, of any day. A table of its own, since a plan for rows that were
-- loaded a moment ago needs statistics.
create temporary table uncollected on commit drop as
select f.day, f.match_player_id, f.match_id, f.player_id, f.currency, f.booking_id, f.amount_minor,
    f.charge_id is not null as has_charge,
    coalesce(i.status = 'settled' and i.day = %(day)s, false) as is_settled
from (select distinct player_id, currency from payouts.fees where day = %(day)s) as players
join payouts.fees as f using (player_id, currency)
left join payouts.instructions as i on i.id = f.charge_id
where f.release_id is null
