-- The days of a period that were never booked, since the installation has been at work: from the day before its very first
-- run on. What was before that nobody has asked for, whichever old day somebody materialises.
with candidates as (
    select %(first_day)s::date + number as day
    from generate_series(0, %(last_day)s::date - %(first_day)s::date) as number
)
select c.day
from candidates as c
where c.day >= (select (min(d.first_booked_at) at time zone %(timezone)s)::date - 1 from payouts.days as d)
    and not exists (select from payouts.days as d where d.day = c.day)
order by c.day
