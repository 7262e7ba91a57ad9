-- The instructions of accounts that a day made, or of all days without one: first what is open, then the latest.
select id
from payouts.instructions
where account_id = any(%(account_ids)s) and day = coalesce(%(day)s, day)
order by status in ('settled', 'cancelled'), day desc, created_at desc, id
