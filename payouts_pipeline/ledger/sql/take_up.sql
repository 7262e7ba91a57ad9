-- Makes the instructions in `ready` pending, unless somebody else moved them in the meantime.
with locked as (
    select i.id
    from payouts.instructions as i
    join ready as r on r.id = i.id and r.status = i.status
    order by i.id
    for update of i
)
update payouts.instructions as i
set status = 'pending', status_at = now(), reason = %(reason)s, changed_by = %(actor)s, retry_at = null,
    published_at = null, stripe_account_id = r.stripe_account_id, stripe_customer_id = r.stripe_customer_id,
    stripe_payment_method_id = r.stripe_payment_method_id
from locked
join ready as r on r.id = locked.id
where i.id = locked.id
