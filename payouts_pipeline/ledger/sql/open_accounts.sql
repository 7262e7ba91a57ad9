-- Opens the accounts that a booking needs for the first time, with what it books. Before any account is locked, and
-- in order, so that two bookings that open the same can't deadlock.
with opened as (
    insert into payouts.accounts (subject, subject_id, currency, booked_minor)
    select subject, subject_id, currency, sum(case when subject = 'player' then amount_minor else -amount_minor end)
    from postings
    group by subject, subject_id, currency
    union all
    select distinct 'provider', 0, currency, 0 from postings
    order by 1, 2, 3
    on conflict (subject, subject_id, currency) do nothing
    returning subject, subject_id, currency
)
update postings as p
set is_opening = true
from opened as o
where p.subject = o.subject and p.subject_id = o.subject_id and p.currency = o.currency
