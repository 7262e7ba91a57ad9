-- The provider's journal (rule of money 12): all that moved on our account there, line by line, and its entries.
--
-- Workers that do not know this migration go on.

-- How far the provider's lists were read. Each is read again with overlap: rows come late, and clocks differ.
create table payouts.feeds (
    name text primary key check (name in ('balance_transactions', 'events')),
    -- Of which of our accounts: a ledger that is moved to another one begins anew.
    provider_account text not null,
    -- What is older was never asked for.
    begins_at timestamptz not null,
    -- Everything up to here was read.
    read_to timestamptz not null,
    -- Of what was read twice or will be: the ids that are no news.
    seen text[] not null default '{}',
    -- When it was last asked for, with an answer.
    asked_at timestamptz not null default clock_timestamp(),
    -- Balance transactions: when what stood on the account before `begins_at` was entered.
    opened_at timestamptz
);

-- One for everything that moved our balance at the provider, as it lists them; and for each currency one of our own
-- making, of type `opening_balance`: what stood there before.
create table payouts.balance_transactions (
    id text primary key,
    type text not null,
    -- The provider's reporting category: the type of an adjustment does not say what it adjusts.
    category text not null,
    -- Which of its balances it moves. Only `payments` is what charges fill and transfers empty.
    balance text not null,
    -- By sign: what came is positive. The fee is what the provider kept of it.
    amount_minor bigint not null,
    fee_minor bigint not null,
    net_minor bigint not null check (net_minor = amount_minor - fee_minor),
    currency char(3) not null,
    created_at timestamptz not null,
    available_on timestamptz not null,
    -- The charge, transfer, refund, dispute, reversal, top-up or payout that moved it.
    source_id text,
    -- The payment intent or transfer that it is or takes back, as `instructions.provider_reference` has it.
    movement_id text,
    -- The customer who paid, or the account that was paid.
    payee text,
    -- As the metadata of its source say.
    ledger_id text,
    instruction_id uuid,
    attempt int,
    -- Of a refund or a dispute: why, as the provider's code.
    reason text,
    found_at timestamptz not null default clock_timestamp(),
    found_by text not null,
    -- Types: docs.stripe.com/reports/balance-transaction-types, categories: docs.stripe.com/reports/reporting-categories.
    kind text not null generated always as (
        case
            when balance <> 'payments' then 'elsewhere'
            when type in ('charge', 'payment', 'transfer') then 'movement'
            when type in (
                'refund', 'payment_refund', 'refund_failure', 'payment_failure_refund', 'payment_reversal',
                'transfer_refund', 'transfer_failure', 'transfer_cancel'
            ) then 'return'
            when type = 'adjustment' and category in ('dispute', 'dispute_reversal', 'refund_failure', 'refund')
                then 'return'
            when type in ('stripe_fee', 'stripe_fx_fee', 'tax_fee') or type = 'adjustment' and category = 'fee'
                then 'fee'
            when type in (
                'opening_balance', 'topup', 'topup_reversal', 'payout', 'payout_cancel', 'payout_failure',
                'contribution', 'reserve_transaction', 'reserved_funds', 'reserve_hold', 'reserve_release',
                'payment_network_reserve_hold', 'payment_network_reserve_release',
                'payout_minimum_balance_hold', 'payout_minimum_balance_release'
            ) then 'own_funds'
            else 'other'
        end
    ) stored
);
create index balance_transactions_by_time on payouts.balance_transactions (created_at);
create index balance_transactions_of_movement on payouts.balance_transactions (movement_id, kind)
where movement_id is not null;
create index balance_transactions_of_instruction on payouts.balance_transactions (instruction_id)
where instruction_id is not null;

-- As what each was entered, once.
create table payouts.assignments (
    transaction_id text primary key references payouts.balance_transactions,
    assigned_to text not null
        check (assigned_to in ('instruction', 'return', 'provider_fees', 'own_funds', 'unassigned', 'elsewhere')),
    -- The instruction that it moved, or whose money came back.
    instruction_id uuid check ((instruction_id is not null) = (assigned_to in ('instruction', 'return'))),
    -- Why it is of no instruction, or in what it differs from it: a code of `domain.reasons`.
    reason_code text check (reason_code is not null or assigned_to <> 'unassigned'),
    actor text not null,
    at timestamptz not null default clock_timestamp()
);
create unique index assignments_of_movement on payouts.assignments (instruction_id) where assigned_to = 'instruction';
create index assignments_of_instruction on payouts.assignments (instruction_id) where instruction_id is not null;
create index assignments_not_understood on payouts.assignments (transaction_id) where reason_code is not null;

-- What is listed and not entered yet; kept by the database, since it is little beside all that ever was.
create table payouts.transactions_to_enter (
    transaction_id text primary key references payouts.balance_transactions
);

-- What has settled and was not found in the provider's list yet; kept by the database.
create table payouts.movements_to_see (
    instruction_id uuid primary key,
    settled_at timestamptz not null
);
insert into payouts.movements_to_see (instruction_id, settled_at)
select id, status_at from payouts.instructions where status = 'settled' order by id;

create function payouts.note_listed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into payouts.transactions_to_enter (transaction_id) select id from new_rows order by id;
    return null;
end
$$;
create trigger note_listed after insert on payouts.balance_transactions
    referencing new table as new_rows
    for each statement execute function payouts.note_listed();

create function payouts.note_assigned() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from payouts.transactions_to_enter as t using new_rows as n where t.transaction_id = n.transaction_id;
    delete from payouts.movements_to_see as m
    using new_rows as n
    where m.instruction_id = n.instruction_id and n.assigned_to = 'instruction';
    return null;
end
$$;
create trigger note_assigned after insert on payouts.assignments
    referencing new table as new_rows
    for each statement execute function payouts.note_assigned();

create function payouts.note_to_see(ended uuid[]) returns void
language sql as $$
    insert into payouts.movements_to_see (instruction_id, settled_at)
    select id, status_at from payouts.instructions where id = any(ended) and status = 'settled' order by id
$$;

create or replace function payouts.end_instructions() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    ended uuid[];
begin
    -- Most changes end nothing.
    if exists (select from new_rows where status in ('settled', 'cancelled')) then
        select array_agg(n.id) into ended
        from old_rows as o
        join new_rows as n using (id)
        where n.status in ('settled', 'cancelled') and o.status <> n.status;
        perform payouts.end_flight(ended), payouts.enter_settled(ended), payouts.note_collected(ended),
            payouts.note_to_see(ended), payouts.reopen_cancelled(ended);
    end if;
    return null;
end
$$;

-- The accounts of what moves besides instructions --------------------------------------------------------------------

alter table payouts.accounts drop constraint accounts_subject_check;
alter table payouts.accounts add constraint accounts_subject_check check (
    subject in (
        'player', 'club', 'organiser', 'partner', 'platform', 'provider', 'provider_fees', 'own_funds', 'unassigned'
    )
);
comment on column payouts.accounts.subject is
    'Whose account it is. The columns of these are not kept: `provider`, the money that stands at Stripe; '
    '`provider_fees`, what Stripe keeps; `own_funds`, what we put in and take out; `unassigned`, what is not understood.';

-- An entry is of a booking, of a settled instruction, or of a balance transaction.
alter table payouts.entries add column transaction_id text;
alter table payouts.entries drop constraint entries_check;
alter table payouts.entries add constraint entries_check
    check (num_nonnulls(booking_id, instruction_id, transaction_id) = 1);
create unique index entries_of_transaction on payouts.entries (transaction_id, account_id)
where transaction_id is not null;

create or replace function payouts.assert_zero_sum() returns trigger
language plpgsql as $$
declare
    wrong record;
begin
    select booking_id, instruction_id, transaction_id, currency, sum(amount_minor) as amount_minor
    into wrong
    from new_rows
    group by booking_id, instruction_id, transaction_id, currency
    having sum(amount_minor) <> 0
    limit 1;
    if found then
        raise exception 'entries of booking %, instruction %, transaction % sum to % in %, not to zero',
            wrong.booking_id, wrong.instruction_id, wrong.transaction_id, wrong.amount_minor, wrong.currency;
    end if;
    return null;
end
$$;

create or replace function payouts.fingerprint(entry payouts.entries) returns bigint
language sql stable as $$
    select ('x' || substr(md5(concat_ws(
        ' ', entry.id, coalesce(entry.booking_id::text, entry.instruction_id::text, entry.transaction_id),
        entry.account_id, entry.currency, entry.amount_minor, extract(epoch from entry.at)
    )), 1, 16))::bit(64)::bigint
$$;

alter table payouts.account_checkpoints add column moved_minor bigint not null default 0;
comment on column payouts.account_checkpoints.moved_minor is 'What balance transactions have entered on the account.';

-- What is to become of what is listed --------------------------------------------------------------------------------

create view payouts.open_movements as
select t.*, i.id as settled_id,
    case
        when i.id is not null then
            case when moved_before.is_there then 'unassigned' else 'instruction' end
        when t.ledger_id is null or t.ledger_id <> own.id::text or is_disowned.by_person then 'unassigned'
        when named.status in ('settled', 'cancelled') then 'unassigned'
    end as becomes,
    case
        when i.id is not null then
            case
                when moved_before.is_there then 'moved_twice'
                when t.currency <> i.currency then 'currency_differs'
                when abs(t.amount_minor) <> i.amount_minor
                    or (t.amount_minor > 0) <> (i.billing_type = 'player_charge') then 'amount_differs'
                when not exists (
                    select from payouts.attempts as a
                    where a.instruction_id = i.id and coalesce(a.stripe_account_id, a.stripe_customer_id) = t.payee
                ) then 'payee_differs'
            end
        when t.ledger_id is null then 'no_ledger'
        when t.ledger_id <> own.id::text then 'another_ledger'
        when is_disowned.by_person then 'disowned'
        when named.id is null then 'unknown_instruction'
        when named.status = 'settled' then 'settled_by_another'
        when named.status = 'cancelled' then 'cancelled_instruction'
        else 'not_settled_yet'
    end as why
from payouts.transactions_to_enter as open
join payouts.balance_transactions as t on t.id = open.transaction_id and t.kind = 'movement'
cross join payouts.identity as own
left join payouts.instructions as i on i.provider_reference = t.movement_id
left join payouts.instructions as named on named.id = t.instruction_id and t.ledger_id = own.id::text
cross join lateral (
    select exists (
        select from payouts.assignments as a where a.instruction_id = i.id and a.assigned_to = 'instruction'
    ) or exists (
        select
        from payouts.balance_transactions as other
        join payouts.transactions_to_enter as its on its.transaction_id = other.id
        where other.movement_id = t.movement_id and other.kind = 'movement'
            and (other.created_at, other.id) < (t.created_at, t.id)
    ) as is_there
) as moved_before
cross join lateral (
    select exists (select from payouts.judgements as j where j.disowned = t.movement_id) as by_person
) as is_disowned;
comment on view payouts.open_movements is
    'Charges and transfers that are not entered: as what they are to be, and why not as an instruction''s. What has '
    'this ledger''s id and no end yet waits: it is in transit.';

create view payouts.open_transactions as
select m.* from payouts.open_movements as m
union all
select t.*, i.id,
    case
        when t.kind = 'elsewhere' then 'elsewhere'
        when t.kind = 'fee' then 'provider_fees'
        when t.kind = 'own_funds' then 'own_funds'
        when t.kind = 'other' then 'unassigned'
        when i.id is not null then 'return'
        when taken.transaction_id is not null then case when taken.becomes = 'unassigned' then 'unassigned' end
        -- What it takes back should be listed before it, and may come late.
        when t.found_at < now() - interval '1 day' or t.movement_id is null then 'unassigned'
    end,
    case
        when t.kind = 'other' then 'unknown_type'
        when t.kind <> 'return' or i.id is not null then null
        when taken.transaction_id is null then 'movement_not_listed'
        when taken.becomes = 'unassigned' then 'movement_unassigned'
        else 'not_settled_yet'
    end
from payouts.transactions_to_enter as open
join payouts.balance_transactions as t on t.id = open.transaction_id and t.kind <> 'movement'
left join payouts.instructions as i on i.provider_reference = t.movement_id and t.kind = 'return'
left join lateral (
    select m.id as transaction_id, coalesce(a.assigned_to, o.becomes) as becomes
    from payouts.balance_transactions as m
    left join payouts.assignments as a on a.transaction_id = m.id
    left join payouts.open_movements as o on o.id = m.id
    where m.movement_id = t.movement_id and m.kind = 'movement' and t.kind = 'return'
    limit 1
) as taken on true;
comment on view payouts.open_transactions is
    'What is listed and not entered: as what it is to be (empty: it waits), and why it is of no instruction or waits.';

create view payouts.returns_to_enter as
select t.id, t.settled_id as instruction_id, i.billing_type, i.account_id, i.currency as instruction_currency,
    i.amount_minor as instruction_amount_minor, t.type, t.category, t.amount_minor, t.fee_minor, t.net_minor, t.currency,
    t.created_at, t.available_on, t.source_id, t.movement_id, t.reason
from payouts.open_transactions as t
join payouts.instructions as i on i.id = t.settled_id
where t.becomes = 'return';
comment on view payouts.returns_to_enter is
    'Refunds, disputes and reversals of settled instructions, and what of them came back, that are not entered yet.';

-- Whether the account at the provider is understood ------------------------------------------------------------------

-- What the provider's balance was when it was compared with the ledger, where that was another than before.
create table payouts.balance_looks (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    currency char(3) not null,
    available_minor bigint not null,
    pending_minor bigint not null,
    -- What the entries on the account `provider` added up to.
    ledger_minor bigint not null,
    -- Listed and not entered, less settled and not listed: what is on its way between the two.
    in_transit_minor bigint not null,
    difference_minor bigint not null generated always as (
        available_minor + pending_minor - ledger_minor - in_transit_minor
    ) stored
);
create index balance_looks_of_currency on payouts.balance_looks (currency, id);

create view payouts.balances_not_understood as
select last.currency, last.difference_minor, last.at,
    (
        select min(l.at)
        from payouts.balance_looks as l
        where l.currency = last.currency and l.id > coalesce((
            select max(good.id)
            from payouts.balance_looks as good
            where good.currency = last.currency and good.difference_minor = 0
        ), 0)
    ) as since
from payouts.accounts as provider
cross join lateral (
    select * from payouts.balance_looks as l where l.currency = provider.currency order by l.id desc limit 1
) as last
where provider.subject = 'provider' and last.difference_minor <> 0;
comment on view payouts.balances_not_understood is
    'Currencies in which the ledger and the provider''s balance differ by more than what is on its way, and since when.';

-- The provider's list may lag behind its balance for a while, for which nobody's payout is held.
create view payouts.currencies_on_hold as
select currency, difference_minor, since from payouts.balances_not_understood where since < now() - interval '10 minutes';
comment on view payouts.currencies_on_hold is
    'In these no payout is sent until it is known where the difference comes from.';

-- What is final ------------------------------------------------------------------------------------------------------

create trigger append_only before update or delete or truncate on payouts.balance_transactions
    for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.assignments
    for each statement execute function payouts.refuse_change();
create trigger append_only before update or delete or truncate on payouts.balance_looks
    for each statement execute function payouts.refuse_change();
create trigger append_only before delete or truncate on payouts.feeds
    for each statement execute function payouts.refuse_change();
