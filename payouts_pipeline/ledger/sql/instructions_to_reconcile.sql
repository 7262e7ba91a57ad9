-- What the ledger says of the instructions of the days, and of those that the provider names; `is_news` is what has
-- changed since the provider was asked.
select
    i.id::text as id, i.currency, i.amount_minor, i.status, i.provider_reference, i.status_at >= %(asked_at)s as is_news,
    coalesce(a.stripe_account_id, a.stripe_customer_id) as payee
from payouts.instructions as i
left join payouts.attempts as a on a.instruction_id = i.id and a.outcome = 'settled'
where %(days)s::date[] is null or i.day = any(%(days)s) or i.id::text = any(%(ids)s)
