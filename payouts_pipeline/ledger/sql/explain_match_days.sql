-- The days on which fees of a match are booked, latest first: a match that was moved has two. Of old days only those are
-- found that have a row of the line-up of now, by the key of the fees; the latest ones are looked through.
select d.day
from (select day from payouts.days order by day desc limit %(latest_days)s) as d
cross join lateral (
    select from payouts.fees as f where f.day = d.day and f.match_id = %(match_id)s limit 1
) as booked
union
select d.day
from payouts.days as d
cross join lateral (
    select
    from payouts.fees as f
    where f.day = d.day and f.match_player_id = any(%(match_player_ids)s) and f.match_id = %(match_id)s
    limit 1
) as booked
order by day desc
