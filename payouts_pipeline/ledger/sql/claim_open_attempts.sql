-- Opens an attempt where none is under way; the number only grows after a refusal or a proven absence.
insert into payouts.attempts (
    instruction_id, number, stripe_account_id, stripe_customer_id, stripe_payment_method_id, sends
)
select
    i.id, coalesce((select max(a.number) from payouts.attempts as a where a.instruction_id = i.id), 0) + 1,
    i.stripe_account_id, i.stripe_customer_id, i.stripe_payment_method_id, 0
from payouts.instructions as i
where i.id = any(%(ids)s)
    and not exists (
        select from payouts.attempts as a
        where a.instruction_id = i.id and (a.outcome is null or a.outcome = 'settled')
    )
order by i.id
