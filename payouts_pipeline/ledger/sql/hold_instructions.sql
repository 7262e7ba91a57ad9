-- Holds back what is not under way of a payee, each with the status that it had. What waits for its time keeps it.
with locked as (
    select i.id, h.why_held
    from payouts.instructions as i
    join payouts.accounts as a on a.id = i.account_id
    join payouts.held_payees as h on h.subject = a.subject and h.subject_id = a.subject_id
    where a.subject = %(subject)s and a.subject_id = %(subject_id)s and i.status = any(%(retractable)s)
    order by i.id
    for update of i
)
update payouts.instructions as i
set status = 'held', status_at = now(), reason = locked.why_held, changed_by = %(actor)s
from locked
where i.id = locked.id
returning i.id
