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
