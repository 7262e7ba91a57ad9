-- A worker that let its lease run out has stopped; what came of its call is not known.
update payouts.instructions
set status = 'unknown', status_at = now(), changed_by = %(actor)s, retry_at = now(), leased_until = null,
    reason = 'the worker that was sending it stopped; it will be asked for at Stripe (materialise the day)',
    provider_request_id = null
where id = any(%(ids)s) and status = 'sending' and leased_until < now()
