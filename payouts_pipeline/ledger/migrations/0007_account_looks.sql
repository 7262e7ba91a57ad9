-- Payouts that were refused since their payee could not receive transfers go on by themselves once it can.
--
-- Workers that do not know this migration go on.

-- Updated in place: what came of a look is in the events of the instructions that it has brought back.
create table payouts.account_looks (
    stripe_account_id text primary key,
    -- Noted before the question, so that no crash asks more often.
    asked_at timestamptz not null default clock_timestamp()
);
comment on table payouts.account_looks is 'When Stripe was last asked whether a payee can receive transfers.';
