-- Enters a booking into the ledger; a trigger asserts that it sums to zero.
insert into payouts.entries (booking_id, account_id, currency, amount_minor)
select p.booking_id, a.id, p.currency, p.amount_minor
from postings as p
join payouts.accounts as a using (subject, subject_id, currency)
where p.amount_minor <> 0
order by a.id
