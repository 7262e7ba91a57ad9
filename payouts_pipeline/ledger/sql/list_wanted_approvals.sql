-- What waits for a person's approval, largest first.
select i.id, i.day, i.billing_type, i.currency, i.amount_minor, a.subject || ':' || a.subject_id
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
where i.status = 'held' and i.approval_above_minor is not null
    and not exists (select from payouts.approvals as p where p.instruction_id = i.id)
order by i.currency, i.amount_minor desc, i.id
