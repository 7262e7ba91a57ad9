-- Instructions of a day in some statuses, the oldest first, with how many there are in all: what a check names.
select id::text, billing_type, status, reason, count(*) over () as total
from payouts.instructions
where day = %(day)s and billing_type = any(%(billing_types)s) and status = any(%(statuses)s)
order by created_at, id
limit %(limit)s
