-- Instructions, by id.
select
    i.id, i.day, i.billing_type, a.subject || ':' || a.subject_id as payee, i.currency, i.amount_minor, i.sequence,
    i.status, i.status_at, i.changed_by, i.reason, i.retry_at, i.created_at, i.provider_reference,
    i.provider_request_id, p.actor as approved_by
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
left join payouts.approvals as p on p.instruction_id = i.id
where i.id = any(%(ids)s)
order by i.day, i.created_at, i.id
