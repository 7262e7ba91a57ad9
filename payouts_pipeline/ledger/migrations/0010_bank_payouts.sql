-- Whether what payees were paid reaches their banks: a bank can send it back days later, and Stripe tells only who asks.
--
-- Workers that do not know this migration go on.

-- Which accounts at Stripe a payee was paid to, as Stripe's journal lists it.
create table payouts.paid_accounts (
    account_id bigint not null references payouts.accounts,
    stripe_account_id text not null,
    paid_at timestamptz not null,
    primary key (account_id, stripe_account_id)
);
create index paid_accounts_by_stripe_account on payouts.paid_accounts (stripe_account_id);
comment on table payouts.paid_accounts is 'Which account at Stripe each payee was paid to, and when last.';

insert into payouts.paid_accounts (account_id, stripe_account_id, paid_at)
select i.account_id, t.payee, max(t.created_at)
from payouts.balance_transactions as t
join payouts.instructions as i on i.id = t.instruction_id
where t.type = 'transfer' and t.payee is not null
    and i.billing_type in ('club_payout', 'organiser_payout', 'partner_payout')
group by i.account_id, t.payee;

-- Updated in place, as `account_looks` is.
create table payouts.bank_looks (
    stripe_account_id text primary key,
    -- Noted before the question, so that no crash asks more often.
    asked_at timestamptz not null default clock_timestamp()
);
comment on table payouts.bank_looks is 'When Stripe was last asked whether payouts of an account reach its bank.';

-- What the last look has found; a row goes once Stripe says that money has reached the bank again.
create table payouts.bank_failures (
    stripe_account_id text not null references payouts.bank_looks,
    -- Empty: of whichever currency, Stripe pays nothing out.
    currency text not null,
    reason_code text not null,
    reason_details jsonb not null,
    since timestamptz not null,
    primary key (stripe_account_id, currency)
);
comment on table payouts.bank_failures is 'Payees whose money stands at Stripe, since it does not reach their bank.';

-- How often an account was asked about without a yes: the longer it takes, the less often it is asked.
alter table payouts.account_looks add column looks int not null default 1;
