-- One instruction, with whose it is and whether a person has approved it.
select
    i.id, i.day, i.billing_type, i.currency, i.amount_minor, i.status, a.id as account_id, a.subject, a.subject_id,
    i.approval_above_minor is not null as wants_approval, p.instruction_id is not null as is_approved
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
left join payouts.approvals as p on p.instruction_id = i.id
where i.id = %(id)s
