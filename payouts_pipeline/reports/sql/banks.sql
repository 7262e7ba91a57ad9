-- Whose money does not reach the bank.

-- name: bank_failures
-- Of all payees, or of one (what is null does not matter): the longest first.
select
    a.subject || ':' || a.subject_id as payee, f.currency, f.reason_code, f.reason_details, f.since, l.asked_at as seen_at
from payouts.bank_failures as f
join payouts.bank_looks as l on l.stripe_account_id = f.stripe_account_id
join lateral (
    select distinct own.subject, own.subject_id
    from payouts.paid_accounts as p
    join payouts.accounts as own on own.id = p.account_id
    where p.stripe_account_id = f.stripe_account_id
) as a on true
where (%(subject)s::text is null or a.subject = %(subject)s and a.subject_id = %(subject_id)s)
order by f.since, payee, f.currency
