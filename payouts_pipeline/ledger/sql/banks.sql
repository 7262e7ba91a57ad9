-- Whether what payees were paid reaches their banks.

-- name: note_paid_accounts
-- Notes to which accounts at Stripe payees were paid, as its journal lists it.
insert into payouts.paid_accounts as p (account_id, stripe_account_id, paid_at)
select i.account_id, t.payee, max(t.created_at)
from jsonb_to_recordset(%(transactions)s::jsonb)
    as t (type text, instruction_id uuid, payee text, created_at timestamptz)
join payouts.instructions as i on i.id = t.instruction_id
where t.type = 'transfer' and t.payee is not null
    and i.billing_type in ('club_payout', 'organiser_payout', 'partner_payout')
group by i.account_id, t.payee
order by i.account_id, t.payee
on conflict (account_id, stripe_account_id) do update set paid_at = excluded.paid_at
where p.paid_at < excluded.paid_at

-- name: take_banks_to_look_at
-- The accounts that were paid of late, or whose money did not reach their bank when they were last looked at, and that
-- nobody has asked about for a while; longest ago first. Notes that they are asked about now.
insert into payouts.bank_looks as l (stripe_account_id)
select p.stripe_account_id
from (
    select stripe_account_id, max(paid_at) as paid_at from payouts.paid_accounts group by stripe_account_id
) as p
left join payouts.bank_looks as earlier on earlier.stripe_account_id = p.stripe_account_id
cross join lateral (
    select exists (
        select from payouts.bank_failures as f where f.stripe_account_id = p.stripe_account_id
    ) as is_failing
) as known
where (p.paid_at >= now() - %(paid_within)s or known.is_failing)
    and (
        earlier.asked_at is null
        or earlier.asked_at <= now() - case when known.is_failing then %(failing_every)s else %(every)s end
    )
order by earlier.asked_at nulls first, p.stripe_account_id
limit %(at_most)s
-- Another process may have been first.
on conflict (stripe_account_id) do update set asked_at = excluded.asked_at
where l.asked_at <= now() - %(failing_every)s
returning l.stripe_account_id

-- name: forget_bank_failures
-- Of an account, what Stripe does not say any more.
delete from payouts.bank_failures where stripe_account_id = %(account)s and currency <> all(%(currencies)s)

-- name: note_bank_failure
-- What Stripe says of an account; what it has said before stays as it is, and since then.
insert into payouts.bank_failures as f (stripe_account_id, currency, reason_code, reason_details, since)
values (%(account)s, %(currency)s, %(reason_code)s, %(reason_details)s::jsonb, %(since)s)
on conflict (stripe_account_id, currency) do update
set reason_code = excluded.reason_code, reason_details = excluded.reason_details, since = excluded.since
where (f.reason_code, f.reason_details) is distinct from (excluded.reason_code, excluded.reason_details)
