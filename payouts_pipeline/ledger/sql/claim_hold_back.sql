-- A payee can be put on hold before it has an account, so that the hold found no instruction to hold back.
update payouts.instructions as i
set status = 'held', status_at = now(), reason = h.why_held, changed_by = %(actor)s
from payouts.accounts as a
join payouts.held_payees as h on h.subject = a.subject and h.subject_id = a.subject_id
where i.id = any(%(ids)s) and i.status = 'published' and a.id = i.account_id
