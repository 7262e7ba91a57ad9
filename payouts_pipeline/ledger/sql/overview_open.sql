-- What of a day has not settled, what needs a person first, then the oldest and the largest.
select
    i.id, i.billing_type, a.subject, a.subject_id, i.currency, i.amount_minor, i.status, i.reason,
    case when i.status in ('waiting', 'unknown') then i.retry_at end as retry_at
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
where i.day = %(day)s and i.billing_type = any(%(billing_types)s) and i.status not in ('settled', 'cancelled')
order by
    array_position(array['rejected', 'held', 'unknown', 'waiting'], i.status) nulls last,
    i.created_at, i.amount_minor desc, i.id
limit %(limit)s
