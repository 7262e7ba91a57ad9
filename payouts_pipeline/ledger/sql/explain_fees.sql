-- The fees of one day as each booking changed them, of one match or of one player (the other one is null).
select
    f.day, f.match_id, f.match_player_id, f.player_id, f.currency, f.booking_id, b.booked_at, b.actor as booked_by,
    f.amount_minor, f.charge_id, f.release_id, r.day as release_day, r.released_at
from payouts.fees as f
join payouts.bookings as b on b.id = f.booking_id
left join payouts.releases as r on r.id = f.release_id
where f.day = %(day)s
    and f.match_id = coalesce(%(match_id)s, f.match_id)
    and f.player_id = coalesce(%(player_id)s, f.player_id)
order by f.match_id, f.match_player_id, f.player_id, f.currency, f.booking_id
