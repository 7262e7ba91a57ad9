-- Instructions of a day, or of all days, that wait for time, for data or for a person, with the Stripe ids that they were last tried
-- with, the hold on their payee, and the limit that they exceed without an approval.
select
    i.day, i.id, a.subject as billing_subject, a.subject_id, i.currency, i.status, i.reason,
    -- What was held while it waited still waits for its time when the hold is gone.
    coalesce(i.retry_at <= now(), i.status = 'held') as is_due,
    h.why_held as why_on_hold,
    case when p.instruction_id is null then i.approval_above_minor end as approval_above_minor,
    i.stripe_account_id as known_account_id,
    i.stripe_customer_id as known_customer_id,
    i.stripe_payment_method_id as known_payment_method_id
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
left join payouts.held_payees as h on h.subject = a.subject and h.subject_id = a.subject_id
left join payouts.approvals as p on p.instruction_id = i.id
where i.day = coalesce(%(day)s::date, i.day) and i.status in ('held', 'waiting', 'rejected')
