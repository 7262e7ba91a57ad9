-- Takes the instructions for one worker, until its lease runs out. It is the last guard against sending what a person
-- holds back; what is unknown is taken all the same, to be asked for.
update payouts.instructions as i
set status = 'sending', status_at = now(), reason = 'is being sent to Stripe', changed_by = %(actor)s,
    leased_until = now() + %(lease)s, retry_at = null, provider_request_id = null
from payouts.accounts as a
where i.id = any(%(ids)s) and a.id = i.account_id
    and (
        i.status = 'unknown' and i.retry_at <= now()
        or i.status = 'published'
            and not exists (
                select from payouts.held_payees as h where h.subject = a.subject and h.subject_id = a.subject_id
            )
            and (
                i.approval_above_minor is null
                or exists (select from payouts.approvals as p where p.instruction_id = i.id)
            )
    )
returning i.id
