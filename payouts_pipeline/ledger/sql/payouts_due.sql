-- What is payable on each payee's account that this day released something to and that no payout covers: what was
-- released up to this day, so that a range of days makes the payouts that the days would make one by one; or all
-- of it where a later correction has left less than that.
with payable as (
    select l.account_id,
        least(
            sum(l.amount_minor) filter (where r.day <= %(day)s), sum(l.amount_minor)
        )::bigint as amount_minor
    from payouts.release_lines as l
    join payouts.releases as r on r.id = l.release_id
    where l.payout_id is null
    group by l.account_id
    having bool_or(r.day = %(day)s)
)
select
    a.id as account_id, a.subject as billing_subject, a.subject_id, a.currency, p.amount_minor,
    coalesce(
        (select max(i.sequence) from payouts.instructions as i where i.day = %(day)s and i.account_id = a.id), 0
    ) + 1 as sequence
from payable as p
join payouts.accounts as a on a.id = p.account_id
where a.subject in ('club', 'organiser', 'partner') and p.amount_minor > 0
