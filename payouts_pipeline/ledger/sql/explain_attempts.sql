-- The tries of instructions at the provider. No account, customer or card: support needs the request's id.
select
    instruction_id, number, idempotency_key, first_sent_at, last_sent_at, sends, outcome, code, provider_request_id,
    finished_at
from payouts.attempts
where instruction_id = any(%(ids)s)
order by instruction_id, number
