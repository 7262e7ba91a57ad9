-- Whether what payees were paid reaches their banks: a bank can send it back days later, and Stripe tells only who asks.
-- And what a restored ledger has lost of what it had asked to be given back.
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

-- What this ledger has asked to be given back and does not know any more, since it was restored: it waits until
-- `payouts recover` has made the order again, by which it is known of which fees it is (rule of money 14). What can't be
-- made again is kept among the movements for a person, and taken off the whole charge.
alter table payouts.movements drop constraint movements_kind_check;
alter table payouts.movements add constraint movements_kind_check
    check (kind in ('payment_intent', 'transfer', 'refund', 'transfer_reversal'));

create view payouts.lost_returns as
select t.id as transaction_id
from payouts.transactions_to_enter as open
join payouts.balance_transactions as t on t.id = open.transaction_id and t.kind = 'return'
join payouts.identity as own on t.ledger_id = own.id::text
where t.instruction_id is not null
    and not exists (select from payouts.instructions as i where i.id = t.instruction_id)
    and not exists (select from payouts.movements as m where m.provider_reference = t.source_id);
comment on view payouts.lost_returns is
    'Lines of refunds and reversals that name an instruction of this ledger which it does not know.';

create or replace view payouts.open_transactions as
select m.* from payouts.open_movements as m
union all
select t.*, i.id,
    case
        when t.kind = 'elsewhere' then 'elsewhere'
        when t.kind = 'fee' then 'provider_fees'
        when t.kind = 'own_funds' then 'own_funds'
        when t.kind = 'other' then 'unassigned'
        when lost.transaction_id is not null then null
        when i.id is not null then 'return'
        when taken.transaction_id is not null then case when taken.becomes = 'unassigned' then 'unassigned' end
        -- What it takes back should be listed before it, and may come late.
        when t.found_at < now() - interval '1 day' or t.movement_id is null then 'unassigned'
    end,
    case
        when t.kind = 'other' then 'unknown_type'
        when lost.transaction_id is not null then 'order_lost'
        when t.kind <> 'return' or i.id is not null then null
        when taken.transaction_id is null then 'movement_not_listed'
        when taken.becomes = 'unassigned' then 'movement_unassigned'
        else 'not_settled_yet'
    end
from payouts.transactions_to_enter as open
join payouts.balance_transactions as t on t.id = open.transaction_id and t.kind <> 'movement'
left join payouts.lost_returns as lost on lost.transaction_id = t.id
left join payouts.instructions as i on i.provider_reference = t.movement_id and t.kind = 'return'
left join lateral (
    select m.id as transaction_id, coalesce(a.assigned_to, o.becomes) as becomes
    from payouts.balance_transactions as m
    left join payouts.assignments as a on a.transaction_id = m.id
    left join payouts.open_movements as o on o.id = m.id
    where m.movement_id = t.movement_id and m.kind = 'movement' and t.kind = 'return'
    limit 1
) as taken on true;

-- A fee that was taken back in part and lowered since is a credit by now: it is no debt of which less would be held. Where
-- it counted as one, a player with a credit was charged for other fees.
create or replace view payouts.held_players as
select player_id, currency, sum(amount_minor)::bigint as amount_minor
from (
    select player_id, currency, greatest(sum(amount_minor), 0) as amount_minor
    from payouts.held_fees
    group by player_id, currency, day, match_player_id, match_id
    union all
    select a.subject_id, a.currency, r.beyond_minor
    from payouts.returns as r
    join payouts.instructions as i on i.id = r.instruction_id
    join payouts.accounts as a on a.id = i.account_id and a.subject = 'player'
    where r.beyond_minor <> 0 and r.lifted_at is null
) as held
group by player_id, currency;
