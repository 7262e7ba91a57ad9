-- Takes the instructions for one worker, until its lease runs out.
with locked as (
    select id from payouts.instructions
    where id = any(%(ids)s) and (status = 'published' or status = 'unknown' and retry_at <= now())
    order by id
    for update skip locked
)
update payouts.instructions as i
set status = 'sending', status_at = now(), reason = 'is being sent to Stripe', changed_by = %(actor)s,
    leased_until = now() + %(lease)s, retry_at = null, provider_request_id = null
from locked
where i.id = locked.id
returning i.id
