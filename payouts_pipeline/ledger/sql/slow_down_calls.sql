-- Halves the fleet's pace, once for all that are turned away in the same second, and keeps everyone waiting for a while.
update payouts.pace
set slow_factor = least(%(slowest)s, case when slowed_at > now() - interval '1 second' then 1 else 2 end * slow_factor),
    slowed_at = now(),
    next_call_at = greatest(next_call_at, now() + %(pause)s)
