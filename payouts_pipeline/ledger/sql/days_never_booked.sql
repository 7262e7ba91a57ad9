-- The days of a period that were never booked, since the first one that was: a new installation does not go back in
-- time by itself. Before anything was booked, only the last day.
with candidates as (
    select %(first_day)s::date + number as day
    from generate_series(0, %(last_day)s::date - %(first_day)s::date) as number
)
select c.day
from candidates as c
where c.day > coalesce((select min(d.day) from payouts.days as d), %(last_day)s::date - 1)
    and not exists (select from payouts.days as d where d.day = c.day)
order by c.day
