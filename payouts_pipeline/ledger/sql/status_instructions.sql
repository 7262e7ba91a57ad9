-- The instructions of a day that are not settled, one by one; what was taken back comes last.
select
    i.id, a.subject || ':' || a.subject_id as payee, i.billing_type, i.currency, i.amount_minor, i.status, i.reason,
    i.retry_at
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
where i.day = %(day)s and i.status <> 'settled'
order by i.status = 'cancelled', i.billing_type, a.subject_id, i.currency, i.sequence
