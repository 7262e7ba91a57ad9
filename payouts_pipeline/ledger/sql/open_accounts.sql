-- Opens the accounts that a booking needs for the first time; in order, so that two bookings can't deadlock.
insert into payouts.accounts (subject, subject_id, currency)
select subject, subject_id, currency from postings
union
select 'provider', 0, currency from postings
order by subject, subject_id, currency
on conflict (subject, subject_id, currency) do nothing
