-- How many instructions of a day are between the outbox and their end, and how many of these are unknown and not
-- tried again within the patience.
select
    count(*) filter (where status in ('published', 'sending')),
    count(*) filter (where status = 'unknown' and retry_at < now() + %(patience)s),
    count(*) filter (where status = 'unknown' and retry_at >= now() + %(patience)s)
from payouts.instructions
where day = %(day)s and billing_type = any(%(billing_types)s) and status in ('published', 'sending', 'unknown')
