-- The open attempts of the claimed instructions, as they were before this call.
select
    i.id as instruction_id, i.billing_type, i.day, i.currency, i.amount_minor, a.number, a.idempotency_key,
    a.stripe_account_id, a.stripe_customer_id, a.stripe_payment_method_id, a.first_sent_at, a.sends,
    a.first_sent_at < now() - %(key_young_for)s as key_is_old,
    a.last_sent_at < now() - %(call_gone_after)s as is_gone,
    exists (
        select from payouts.held_payees as h
        where h.subject = account.subject and h.subject_id = account.subject_id
    ) as is_on_hold,
    (
        select count(*) from payouts.attempts as earlier
        where earlier.instruction_id = i.id and earlier.outcome = 'refused' and earlier.code = any(%(card_codes)s)
    ) as card_declines
from payouts.instructions as i
join payouts.accounts as account on account.id = i.account_id
join payouts.attempts as a on a.instruction_id = i.id and a.outcome is null
where i.id = any(%(ids)s)
order by i.id
