-- Moves the instructions in `taken_up` to pending or held, unless somebody else moved them in the meantime, or put
-- the payee of one that would go on on hold.
with locked as (
    select i.id
    from payouts.instructions as i
    join taken_up as t on t.id = i.id and t.old_status = i.status
    join payouts.accounts as a on a.id = i.account_id
    where t.status = 'held'
        or not exists (
            select from payouts.held_payees as h where h.subject = a.subject and h.subject_id = a.subject_id
        )
    order by i.id
    for update of i
)
update payouts.instructions as i
set status = t.status, status_at = now(), reason = t.reason, changed_by = %(actor)s,
    retry_at = case t.status when 'held' then i.retry_at end, published_at = null,
    stripe_account_id = t.stripe_account_id, stripe_customer_id = t.stripe_customer_id,
    stripe_payment_method_id = t.stripe_payment_method_id
from locked
join taken_up as t on t.id = locked.id
where i.id = locked.id
