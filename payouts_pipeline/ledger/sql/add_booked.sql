-- Adds a booking to its accounts, each in its usual direction, and opens those that are new; in order, so that two
-- bookings that open the same can't deadlock.
insert into payouts.accounts as a (subject, subject_id, currency, booked_minor)
select subject, subject_id, currency, case when subject = 'player' then amount_minor else -amount_minor end
from postings
union all
select distinct 'provider', 0, currency, 0 from postings
order by 1, 2, 3
on conflict (subject, subject_id, currency) do update
set booked_minor = a.booked_minor + excluded.booked_minor
where excluded.booked_minor <> 0
