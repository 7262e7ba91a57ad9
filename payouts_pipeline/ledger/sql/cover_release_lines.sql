-- Ties to each new payout what it pays: what was released up to its day, or everything where it pays everything.
with payable as (
    select account_id, sum(amount_minor) as amount_minor
    from payouts.release_lines
    where payout_id is null and account_id in (select account_id from new_instructions)
    group by account_id
)
update payouts.release_lines as l
set payout_id = n.id
from new_instructions as n
join payable as p on p.account_id = n.account_id
cross join payouts.releases as r
where l.account_id = n.account_id and l.payout_id is null and r.id = l.release_id
    and (r.day <= %(day)s or p.amount_minor = n.amount_minor)
