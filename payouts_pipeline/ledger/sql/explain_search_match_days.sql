-- The latest day on which fees of a match are booked that `league` does not know any more: day by day, backwards.
select d.day
from payouts.days as d
cross join lateral (
    select from payouts.fees as f where f.day = d.day and f.match_id = %(match_id)s limit 1
) as booked
order by d.day desc
limit 1
