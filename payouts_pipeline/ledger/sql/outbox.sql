-- The transactional outbox: what is committed and not yet published.

-- name: read_clock
-- The database's time: the only clock that the states of instructions are compared with.
select now()

-- name: outbox
-- What of a day is to be published: what was lost or is to be asked for again, longest waiting first, and what never was.
-- With what other days have of which this day asks that it be cancelled.
with in_progress as (
    select id, billing_type, status, retry_at, published_at, leased_until
    from payouts.instructions
    where day = %(day)s and status in ('published', 'sending', 'unknown')
    union all
    select id, billing_type, status, retry_at, published_at, leased_until
    from payouts.being_cancelled
    where asked_by_day = %(day)s and day <> %(day)s and status <> 'pending'
)
(
    select i.id, i.billing_type
    from in_progress as i
    where i.billing_type = any(%(billing_types)s)
        and (
            i.status = 'published' and i.published_at < now() - %(lost_after)s
            or i.status = 'unknown' and i.retry_at <= now()
                and (i.published_at < i.retry_at or i.published_at < now() - %(lost_after)s)
            or i.status = 'sending' and i.leased_until < now()
                and (i.published_at < i.leased_until or i.published_at < now() - %(lost_after)s)
        )
    order by i.published_at, i.id
    limit %(limit_again)s
)
union all
(
    select i.id, i.billing_type
    from payouts.instructions as i
    where i.day = %(day)s and i.billing_type = any(%(billing_types)s) and i.status = 'pending'
    order by i.billing_type, i.id
    limit %(limit)s
)
union all
(
    select i.id, i.billing_type
    from payouts.being_cancelled as i
    where i.asked_by_day = %(day)s and i.day <> %(day)s and i.billing_type = any(%(billing_types)s)
        and i.status = 'pending'
    order by i.billing_type, i.id
    limit %(limit)s
)

-- name: mark_published
-- Notes what the bus has accepted, as of when it was found to be due: what a worker has made of it since is later, and
-- so its next message is not taken to be published already.
with locked as (
    select id from payouts.instructions
    where id = any(%(ids)s) and status in ('pending', 'published', 'sending', 'unknown')
    order by id
    for update
)
update payouts.instructions as i
set published_at = %(read_at)s,
    status = case i.status when 'pending' then 'published' else i.status end,
    status_at = case i.status when 'pending' then now() else i.status_at end,
    reason_code = case i.status when 'pending' then 'not_taken' else i.reason_code end,
    reason_details = case i.status when 'pending' then '{}' else i.reason_details end,
    changed_by = case i.status when 'pending' then %(actor)s else i.changed_by end
from locked
where i.id = locked.id

-- name: in_progress
-- How many instructions of a day are between the outbox and their end: published, being sent, unknown and tried again
-- within the patience, unknown and not so soon.
select
    count(*) filter (where status = 'published'),
    count(*) filter (where status = 'sending'),
    count(*) filter (where status = 'unknown' and retry_at < now() + %(patience)s),
    count(*) filter (where status = 'unknown' and retry_at >= now() + %(patience)s)
from (
    select billing_type, status, retry_at
    from payouts.instructions
    where day = %(day)s and status in ('published', 'sending', 'unknown')
    union all
    select billing_type, status, retry_at
    from payouts.being_cancelled
    where asked_by_day = %(day)s and day <> %(day)s and status <> 'pending'
) as i
where billing_type = any(%(billing_types)s)

-- name: is_outbox_empty
-- Whether a day has nothing left to publish for the first time.
select not exists (
    select from payouts.instructions
    where day = %(day)s and billing_type = any(%(billing_types)s) and status = 'pending'
    union all
    select from payouts.being_cancelled
    where asked_by_day = %(day)s and billing_type = any(%(billing_types)s) and status = 'pending'
)
