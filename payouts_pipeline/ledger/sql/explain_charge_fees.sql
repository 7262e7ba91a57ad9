-- The fees that a charge covers, whichever days they are of. No index leads there from the charge, so that it goes by
-- the days on which anything was booked for the player.
with days as (
    select distinct b.day
    from payouts.entries as e
    join payouts.bookings as b on b.id = e.booking_id
    where e.account_id = (select account_id from payouts.instructions where id = %(id)s)
)
select
    f.day, f.match_id, f.match_player_id, f.player_id, f.currency, f.booking_id, b.booked_at, b.actor as booked_by,
    f.amount_minor, f.charge_id, f.release_id, r.day as release_day, r.released_at
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
cross join days as d
join payouts.fees as f
    on f.day = d.day and f.player_id = a.subject_id and f.currency = a.currency and f.charge_id = i.id
join payouts.bookings as b on b.id = f.booking_id
left join payouts.releases as r on r.id = f.release_id
where i.id = %(id)s
order by f.day, f.match_id, f.match_player_id, f.booking_id
