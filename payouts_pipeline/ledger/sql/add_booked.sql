-- Adds a booking to the accounts that there were before, each in its usual direction.
update payouts.accounts as a
set booked_minor = a.booked_minor + case when a.subject = 'player' then p.amount_minor else -p.amount_minor end
from (
    select subject, subject_id, currency, sum(amount_minor) as amount_minor
    from postings
    where not is_opening
    group by subject, subject_id, currency
) as p
where a.subject = p.subject and a.subject_id = p.subject_id and a.currency = p.currency and p.amount_minor <> 0
