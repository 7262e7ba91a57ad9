-- Whether materialising a day may call Stripe: it was never booked, or something of it has not come to its end.
select not exists (select from payouts.days where day = %(day)s)
    or exists (
        select from payouts.instructions
        where day = %(day)s
            and (status in ('pending', 'published', 'sending', 'unknown') or status = 'waiting' and retry_at <= now())
    )
