-- The rate of calls at the provider, one for all workers.

-- name: reserve_call
-- Gives a worker the next call that the whole fleet may make at the provider: in how many seconds. What was slowed down
-- comes back to full speed with the calls that are made. Nobody waits longer than the ceiling: a clock that is put back
-- would otherwise stop everyone until it is again what it was.
with before as (
    select
        least(greatest(next_call_at, clock_timestamp()), clock_timestamp() + %(ceiling)s) as call_at, slow_factor,
        slow_factor / %(calls_per_s)s::double precision as spacing_s
    from payouts.rate_limit
    for update
)
update payouts.rate_limit as p
set next_call_at = b.call_at + b.spacing_s * interval '1 second',
    slow_factor = greatest(1, b.slow_factor * %(recovery)s)
from before as b
returning extract(epoch from b.call_at - clock_timestamp())::double precision

-- name: slow_down_calls
-- Halves the fleet's rate, once for all that are turned away in the same second, and keeps everyone waiting for a while.
update payouts.rate_limit
set slow_factor = least(%(slowest)s, case when slowed_at > now() - interval '1 second' then 1 else 2 end * slow_factor),
    slowed_at = now(),
    next_call_at = greatest(next_call_at, now() + %(pause)s)
