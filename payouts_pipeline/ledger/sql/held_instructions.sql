-- The held instructions of one payee, or one of them, with all that may hold them; the Stripe ids are those that
-- they were made or last tried with.
select
    i.id, a.subject as billing_subject, i.currency, h.why_held as why_on_hold,
    case when p.instruction_id is null then i.approval_above_minor end as approval_above_minor,
    i.stripe_account_id, i.stripe_customer_id
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
left join payouts.held_payees as h on h.subject = a.subject and h.subject_id = a.subject_id
left join payouts.approvals as p on p.instruction_id = i.id
where a.subject = %(subject)s and a.subject_id = %(subject_id)s and i.status = 'held'
    and i.id = coalesce(%(instruction_id)s, i.id)
