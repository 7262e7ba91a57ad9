-- Gives a worker the next call that the whole fleet may make at the provider: in how many seconds. What was slowed down
-- comes back to full speed with the calls that are made.
with before as (
    select
        greatest(next_call_at, clock_timestamp()) as call_at, slow_factor,
        slow_factor / %(calls_per_s)s::double precision as spacing_s
    from payouts.pace
    for update
)
update payouts.pace as p
set next_call_at = b.call_at + b.spacing_s * interval '1 second',
    slow_factor = greatest(1, b.slow_factor * %(recovery)s)
from before as b
returning extract(epoch from b.call_at - clock_timestamp())::double precision
