-- How many instructions of a day are between the outbox and their end: published, being sent, unknown and tried again
-- within the patience, unknown and not so soon.
select
    count(*) filter (where status = 'published'),
    count(*) filter (where status = 'sending'),
    count(*) filter (where status = 'unknown' and retry_at < now() + %(patience)s),
    count(*) filter (where status = 'unknown' and retry_at >= now() + %(patience)s)
from payouts.instructions
where day = %(day)s and billing_type = any(%(billing_types)s) and status in ('published', 'sending', 'unknown')
