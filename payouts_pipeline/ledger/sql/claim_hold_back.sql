-- A payee can be put on hold before it has an account, so that the hold found no instruction to hold back.
with locked as (
    select i.id, h.why_held
    from payouts.instructions as i
    join payouts.accounts as a on a.id = i.account_id
    join payouts.held_payees as h on h.subject = a.subject and h.subject_id = a.subject_id
    where i.id = any(%(ids)s) and i.status = 'published'
    order by i.id
    for update of i skip locked
)
update payouts.instructions as i
set status = 'held', status_at = now(), reason = locked.why_held, changed_by = %(actor)s
from locked
where i.id = locked.id
