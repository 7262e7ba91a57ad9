-- Instructions of a day that wait for time or for data, with the Stripe ids that they were last tried with.
select
    i.id, a.subject as billing_subject, a.subject_id, i.status,
    i.status = 'waiting' and i.retry_at <= now() as is_due,
    i.stripe_account_id as known_account_id,
    i.stripe_customer_id as known_customer_id,
    i.stripe_payment_method_id as known_payment_method_id
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
where i.day = %(day)s and i.status in ('held', 'waiting', 'rejected')
