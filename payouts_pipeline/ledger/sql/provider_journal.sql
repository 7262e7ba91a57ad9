-- The provider's journal: what moved our account there is kept as it is listed, and entered once.

-- name: journal_begin
-- When the first that this ledger can have moved was made, as far as it knows; empty where it has never sent anything.
select least(
    (select min(first_sent_at) from payouts.attempts),
    (select min(created_at) from payouts.movements)
)

-- name: read_feed
-- How far a list of the provider's was read.
select begins_at, read_to, seen, asked_at, opened_at
from payouts.feeds
where name = %(name)s and provider_account = %(account)s

-- name: begin_feed
-- Begins a list, or begins it anew: for another account of ours, or further back.
insert into payouts.feeds (name, provider_account, begins_at, read_to)
values (%(name)s, %(account)s, %(begins_at)s, %(begins_at)s)
on conflict (name) do update
set provider_account = excluded.provider_account, begins_at = excluded.begins_at, read_to = excluded.read_to,
    seen = '{}', opened_at = null

-- name: advance_feed
-- Notes how far a list was read.
update payouts.feeds
set read_to = greatest(read_to, %(read_to)s), seen = %(seen)s, asked_at = clock_timestamp()
where name = %(name)s

-- name: newest_transaction
-- When the last that is listed was made, by the provider's clock.
select max(created_at) from payouts.balance_transactions where type <> 'opening_balance'

-- name: keep_transactions
-- Keeps what is listed, once.
insert into payouts.balance_transactions (
    id, type, category, balance, amount_minor, fee_minor, net_minor, currency, created_at, available_on, source_id,
    movement_id, payee, ledger_id, instruction_id, attempt, reason, found_by
)
select
    id, type, category, balance, amount_minor, fee_minor, net_minor, currency, created_at, available_on, source_id,
    movement_id, payee, ledger_id, instruction_id, attempt, reason, %(actor)s
from jsonb_to_recordset(%(transactions)s::jsonb) as t (
    id text, type text, category text, balance text, amount_minor bigint, fee_minor bigint, net_minor bigint,
    currency text, created_at timestamptz, available_on timestamptz, source_id text, movement_id text, payee text,
    ledger_id text, instruction_id uuid, attempt int, reason text
)
order by created_at, id
on conflict (id) do nothing

-- name: make_journal_accounts
-- Our own accounts in the currencies of what is to be entered.
insert into payouts.accounts (subject, subject_id, currency)
select subject, 0, currency
from (
    select distinct t.currency
    from payouts.transactions_to_enter as o
    join payouts.balance_transactions as t on t.id = o.transaction_id
) as wanted
cross join (values ('provider'), ('provider_fees'), ('own_funds'), ('unassigned')) as ours (subject)
order by currency, subject
on conflict (subject, subject_id, currency) do nothing

-- name: enter_transactions
-- Enters what is understood, and what never will be. Our account at the provider gets the net of each, less what the
-- settlement of its instruction has entered there; what of that is neither a fee nor our own funds is not assigned.
with ready as (
    select * from payouts.open_transactions where becomes is not null and becomes <> 'return'
), noted as (
    insert into payouts.assignments (transaction_id, assigned_to, instruction_id, reason_code, actor)
    select id, becomes, case when becomes = 'instruction' then settled_id end, why, %(actor)s
    from ready
    order by id
    returning transaction_id
), settled as (
    select r.id, i.currency, case i.billing_type when 'player_charge' then i.amount_minor else -i.amount_minor end
        as amount_minor
    from ready as r
    join payouts.instructions as i on i.id = r.settled_id
    where r.becomes = 'instruction'
), leg as (
    select id, 'provider' as subject, currency, net_minor as amount_minor from ready where becomes <> 'elsewhere'
    union all
    select id, 'provider_fees', currency, fee_minor from ready where becomes in ('instruction', 'own_funds')
    union all
    select id, 'provider_fees', currency, -net_minor from ready where becomes = 'provider_fees'
    union all
    select id, 'own_funds', currency, -amount_minor from ready where becomes = 'own_funds'
    union all
    select id, 'unassigned', currency, -net_minor from ready where becomes = 'unassigned'
    union all
    select id, 'unassigned', currency, -amount_minor from ready where becomes = 'instruction'
    union all
    select id, 'provider', currency, -amount_minor from settled
    union all
    select id, 'unassigned', currency, amount_minor from settled
), entered as (
    insert into payouts.entries (transaction_id, account_id, currency, amount_minor)
    select l.id, a.id, l.currency, sum(l.amount_minor)
    from leg as l
    join payouts.accounts as a on a.subject = l.subject and a.subject_id = 0 and a.currency = l.currency
    group by l.id, a.id, l.currency
    having sum(l.amount_minor) <> 0
    order by l.id, a.id
)
select count(*) from noted

-- name: ledger_balances
-- By currency what the entries on our account at the provider add up to, and what is on its way between the two: listed
-- and not entered, less settled and not listed, each with how many. What has settled so long before the last that was
-- read, and is still not listed, is on no way any more: `overdue`.
with since as (
    select coalesce(max(entry_id), 0) as entry_id from payouts.checkpoints
), provider as (
    select id, currency from payouts.accounts where subject = 'provider'
), part as (
    select p.currency, c.booked_minor + c.settled_minor + c.moved_minor as ledger_minor, 0::bigint as listed_minor,
        0::bigint as settled_minor, 0::bigint as overdue_minor, 0 as listed, 0 as settled, 0 as overdue
    from provider as p
    cross join since
    cross join lateral (
        select * from payouts.account_checkpoints as k
        where k.account_id = p.id and k.entry_id <= since.entry_id
        order by k.entry_id desc
        limit 1
    ) as c
    union all
    select p.currency, e.amount_minor, 0, 0, 0, 0, 0, 0
    from payouts.entries as e
    join provider as p on p.id = e.account_id
    where e.id > (select entry_id from since)
    union all
    select t.currency, 0, t.net_minor, 0, 0, 1, 0, 0
    from payouts.transactions_to_enter as o
    join payouts.balance_transactions as t on t.id = o.transaction_id and t.kind <> 'elsewhere'
    union all
    select i.currency, 0, 0, case when is_late then 0 else moved.amount_minor end,
        case when is_late then moved.amount_minor else 0 end,
        0, case when is_late then 0 else 1 end, case when is_late then 1 else 0 end
    from payouts.feeds as f
    join payouts.movements_to_see as m on m.settled_at >= f.begins_at
    join payouts.instructions as i on i.id = m.instruction_id
    cross join lateral (
        -- What was given back is entered only once it is listed.
        select
            case
                when i.billing_type = 'player_charge' then i.amount_minor
                when i.billing_type in ('charge_refund', 'payout_reversal') then 0
                else -i.amount_minor
            end as amount_minor,
            m.settled_at < f.read_to - %(listed_within)s as is_late
    ) as moved
    where f.name = 'balance_transactions'
)
select currency, sum(ledger_minor)::bigint as ledger_minor, sum(listed_minor)::bigint as listed_minor,
    sum(settled_minor)::bigint as settled_minor, sum(overdue_minor)::bigint as overdue_minor,
    sum(listed)::int as listed, sum(settled)::int as settled, sum(overdue)::int as overdue
from part
group by currency
order by currency

-- name: journal_is_current
-- Whether the list was read since then, and nothing is known that another look could bring in or enter. A ledger that
-- has never called has nothing to look for.
select own.provider_account is null or coalesce(
    f.asked_at >= %(until)s
    and not exists (
        select
        from payouts.movements_to_see as m
        where m.settled_at >= greatest(f.begins_at, f.read_to - %(listed_within)s)
    )
    and not exists (select from payouts.open_transactions as o where o.becomes is not null),
    false
)
from payouts.identity as own
left join payouts.feeds as f on f.name = 'balance_transactions' and f.provider_account = own.provider_account

-- name: wake_listed
-- What the provider has moved meanwhile need not wait for its time: Stripe is asked about it with the next run of its day,
-- once for each line.
update payouts.instructions as i
set retry_at = now()
from (
    select instruction_id, found_at, array['unknown', 'waiting', 'rejected'] as statuses
    from payouts.open_movements
    where why = 'not_settled_yet'
    union all
    -- What was given back is booked by now. What Stripe has refused is not asked for again by that.
    select x.instruction_id, t.found_at, array['unknown']
    from payouts.return_order_transactions as x
    join payouts.balance_transactions as t on t.id = x.transaction_id
) as m
where i.id = m.instruction_id and i.status = any(m.statuses)
    and (i.retry_at > now() or i.retry_at is null) and i.status_at < m.found_at

-- name: keep_looks
-- Keeps what was compared, where it is another than the last time.
insert into payouts.balance_looks (currency, available_minor, pending_minor, ledger_minor, in_transit_minor)
select t.*
from jsonb_to_recordset(%(looks)s::jsonb) as t (
    currency text, available_minor bigint, pending_minor bigint, ledger_minor bigint, in_transit_minor bigint
)
left join lateral (
    select l.available_minor, l.pending_minor, l.ledger_minor, l.in_transit_minor
    from payouts.balance_looks as l
    where l.currency = t.currency
    order by l.id desc
    limit 1
) as last on true
where (t.available_minor, t.pending_minor, t.ledger_minor, t.in_transit_minor) is distinct from
    (last.available_minor, last.pending_minor, last.ledger_minor, last.in_transit_minor)

-- name: note_opened
-- Notes that what stood on the account before the list begins was entered.
update payouts.feeds set opened_at = clock_timestamp() where name = 'balance_transactions'

-- name: has_news_of_settled
-- Whether anything has settled just now that may not be listed yet.
select exists (
    select from payouts.movements_to_see where settled_at > now() - %(listed_within)s
)
