-- What of a day is to be published: what was lost or is to be asked for again, longest waiting first, and what never was.
(
    select i.id, i.billing_type
    from payouts.instructions as i
    where i.day = %(day)s and i.billing_type = any(%(billing_types)s)
        and (
            i.status = 'published' and i.published_at < now() - %(lost_after)s
            or i.status = 'unknown' and i.retry_at <= now()
                and (i.published_at < i.retry_at or i.published_at < now() - %(lost_after)s)
            or i.status = 'sending' and i.leased_until < now()
                and (i.published_at < i.leased_until or i.published_at < now() - %(lost_after)s)
        )
        and i.status in ('published', 'sending', 'unknown')
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
