-- What of a payee can't be held back any more, since it may be at the provider.
select i.id
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
where a.subject = %(subject)s and a.subject_id = %(subject_id)s and i.status in ('sending', 'unknown')
order by i.id
