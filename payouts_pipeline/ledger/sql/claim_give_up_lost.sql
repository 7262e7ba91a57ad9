-- A worker that let its lease run out has stopped; what came of its call is not known.
with locked as (
    select id from payouts.instructions
    where id = any(%(ids)s) and status = 'sending' and leased_until < now()
    order by id
    for update skip locked
)
update payouts.instructions as i
set status = 'unknown', status_at = now(), changed_by = %(actor)s, retry_at = now(), leased_until = null,
    reason = 'the worker that was sending it stopped; it will be asked for at Stripe (materialise the day)', provider_request_id = null
from locked
where i.id = locked.id
