-- What a player has not paid yet, of any day, as each booking changed it.
select
    f.day, f.match_id, f.match_player_id, f.player_id, f.currency, f.booking_id, b.booked_at, b.actor as booked_by,
    f.amount_minor, f.charge_id, f.release_id, null::date as release_day, null::timestamptz as released_at
from payouts.fees as f
join payouts.bookings as b on b.id = f.booking_id
where f.player_id = %(player_id)s and f.release_id is null
order by f.day desc, f.match_id, f.match_player_id, f.currency, f.booking_id
