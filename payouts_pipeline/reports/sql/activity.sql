-- What moved our account at Stripe, and what of it is not understood.

-- name: activity
-- Every line of Stripe's journal of some time, as what it was entered, and why it is of no instruction or waits.
select
    t.id as transaction_id, t.type, t.category, t.amount_minor, t.fee_minor, t.net_minor, t.currency,
    to_char(t.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as created_at,
    to_char(t.available_on at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as available_on,
    t.source_id, t.movement_id, coalesce(a.assigned_to, 'waits') as assigned_to,
    coalesce(a.instruction_id, o.settled_id)::text as instruction_id, coalesce(a.reason_code, o.why) as why
from payouts.balance_transactions as t
left join payouts.assignments as a on a.transaction_id = t.id
left join payouts.open_transactions as o on o.id = t.id and a.transaction_id is null
where t.created_at >= %(start)s and t.created_at < %(end)s and t.type <> 'opening_balance'
order by t.created_at, t.id

-- name: not_understood
-- The lines that are of no instruction, differ from it, or wait for it, the newest first.
select t.id, t.type, t.net_minor, t.currency, t.created_at, coalesce(a.assigned_to, 'waits') as assigned_to,
    coalesce(a.reason_code, o.why) as why
from (
    select n.transaction_id as id from payouts.assignments as n where n.reason_code is not null
    union all
    select w.transaction_id from payouts.transactions_to_enter as w
) as wanted
join payouts.balance_transactions as t using (id)
left join payouts.assignments as a on a.transaction_id = t.id
left join payouts.open_transactions as o on o.id = t.id and a.transaction_id is null
where coalesce(a.reason_code, o.why) is not null
order by t.created_at desc, t.id
limit %(limit)s

-- name: last_looks
-- Our balance at Stripe beside the ledger's as they were last compared, and since when they have differed.
select l.currency, l.available_minor + l.pending_minor as stripe_minor, l.ledger_minor, l.in_transit_minor,
    l.difference_minor, l.at, n.since, h.currency is not null as is_on_hold
from payouts.accounts as a
cross join lateral (
    select * from payouts.balance_looks as each where each.currency = a.currency order by each.id desc limit 1
) as l
left join payouts.balances_not_understood as n on n.currency = l.currency
left join payouts.currencies_on_hold as h on h.currency = l.currency
where a.subject = 'provider'
order by l.currency

-- name: odd_movements
-- Settled and cancelled instructions of a day that Stripe has moved otherwise than they say: not at all though it
-- should be listed by now, otherwise, or once more.
with instruction as (
    select id, billing_type, provider_reference
    from payouts.instructions
    where day = %(day)s and status in ('settled', 'cancelled')
)
select i.id::text, i.billing_type, 'not_listed' as why
from payouts.feeds as f
join payouts.movements_to_see as m on m.settled_at >= f.begins_at and m.settled_at < f.read_to - %(listed_within)s
join instruction as i on i.id = m.instruction_id
where f.name = 'balance_transactions'
union
select i.id::text, i.billing_type, a.reason_code
from instruction as i
join payouts.assignments as a on a.instruction_id = i.id and a.assigned_to = 'instruction'
where a.reason_code is not null
union
select i.id::text, i.billing_type, a.reason_code
from instruction as i
join payouts.balance_transactions as t on t.instruction_id = i.id
join payouts.assignments as a on a.transaction_id = t.id
where a.reason_code in ('moved_twice', 'settled_by_another', 'cancelled_instruction')
union
select i.id::text, i.billing_type, a.reason_code
from instruction as i
join payouts.balance_transactions as t on t.movement_id = i.provider_reference
join payouts.assignments as a on a.transaction_id = t.id
where a.reason_code = 'moved_twice'
order by 1, 3

-- name: kept_lines
-- The lines that are kept of some time, or of the instructions of the days whenever they were made, with what each was
-- entered as; `is_listed` where it must be in Stripe's list of that time.
with line as (
    select t.id, true as is_listed
    from payouts.balance_transactions as t
    where t.created_at >= %(since)s and t.created_at < coalesce(%(until)s::timestamptz, 'infinity')
    union all
    select a.transaction_id, false
    from payouts.instructions as i
    join payouts.assignments as a on a.instruction_id = i.id
    join payouts.balance_transactions as t on t.id = a.transaction_id
    where i.day = any(%(days)s)
        and not (t.created_at >= %(since)s and t.created_at < coalesce(%(until)s::timestamptz, 'infinity'))
)
select t.id, t.type, t.amount_minor, t.fee_minor, t.net_minor, t.currency, t.created_at, t.source_id,
    coalesce(a.assigned_to, 'waits') as assigned_to,
    coalesce(a.instruction_id, o.settled_id, t.instruction_id)::text as instruction_id,
    coalesce(a.reason_code, o.why) as why, l.is_listed, t.found_at >= %(asked_at)s as is_news
from line as l
join payouts.balance_transactions as t on t.id = l.id
left join payouts.assignments as a on a.transaction_id = t.id
left join payouts.open_transactions as o on o.id = t.id and a.transaction_id is null
left join payouts.instructions as i on i.id = coalesce(a.instruction_id, o.settled_id, t.instruction_id)
where t.type <> 'opening_balance' and (%(days)s::date[] is null or i.day = any(%(days)s))
order by t.created_at, t.id

-- name: kept_ids
-- Which of these lines are kept.
select id from payouts.balance_transactions where id = any(%(ids)s)

-- name: never_listed
-- Settled instructions that Stripe's journal should have by now, and does not.
select i.id::text
from payouts.feeds as f
join payouts.movements_to_see as m on m.settled_at >= f.begins_at and m.settled_at < f.read_to - %(listed_within)s
join payouts.instructions as i on i.id = m.instruction_id
where f.name = 'balance_transactions' and (%(days)s::date[] is null or i.day = any(%(days)s))
order by 1
