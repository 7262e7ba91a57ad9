-- Return orders: what operators ask Stripe to give back.

-- name: charges_of_match
-- The charges that cover fees of a match, of one day or of the latest days that were booked.
select distinct f.charge_id
from payouts.fees as f
where f.match_id = %(match_id)s and f.charge_id is not null
    and f.day = any(
        case
            when %(day)s::date is not null then array[%(day)s::date]
            else array(select d.day from payouts.days as d order by d.day desc limit %(latest_days)s)
        end
    )
order by f.charge_id

-- name: charges_of_player
-- The charges that cover fees of a player on a day.
select distinct f.charge_id
from payouts.fees as f
where f.day = %(day)s and f.player_id = %(player_id)s and f.charge_id is not null
order by f.charge_id

-- name: order_to_take_back
-- What may be given back: where it stands, whom it was taken from or paid to, and what is left of it.
select
    i.id, i.day, i.billing_type, i.status, i.currency, i.amount_minor, i.account_id, a.subject, a.subject_id,
    t.stripe_account_id, t.stripe_customer_id,
    coalesce((select sum(r.amount_minor) from payouts.returns as r where r.instruction_id = i.id), 0)::bigint
        as returned_minor,
    coalesce((
        select sum(u.amount_minor) from payouts.return_orders_under_way as u where u.takes_back_id = i.id
    ), 0)::bigint as under_way_minor,
    coalesce((
        select sum(r.amount_minor)
        from payouts.returns as r
        join payouts.balance_transactions as b on b.id = r.transaction_id
        where r.instruction_id = i.id and b.category in ('dispute', 'dispute_reversal')
    ), 0) > 0 as is_disputed,
    coalesce((
        select max(each.sequence) from payouts.instructions as each where each.day = i.day and each.account_id = i.account_id
    ), 0) + 1 as next_sequence
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
left join payouts.attempts as t on t.instruction_id = i.id and t.outcome = 'settled'
where i.id = %(id)s

-- name: lost_orders
-- What was given back in the name of an instruction that the ledger does not know, with the settled charge or payout that
-- it takes back (none, while that is not settled here); oldest first.
select
    t.source_id as reference, t.instruction_id, t.attempt, abs(t.amount_minor) as amount_minor, t.currency,
    t.created_at, i.id as taken_back_id
from payouts.lost_returns as lost
join payouts.balance_transactions as t on t.id = lost.transaction_id
left join payouts.instructions as i on i.provider_reference = t.movement_id
-- One that has come back has two lines, of which the first is its own.
where t.source_id is not null
    and not exists (
        select
        from payouts.lost_returns as other
        join payouts.balance_transactions as first on first.id = other.transaction_id
        where first.source_id = t.source_id and (first.created_at, first.id) < (t.created_at, t.id)
    )
order by t.created_at, t.id

-- name: fees_under_way
-- What other orders are about to give back of the fees of a charge.
select f.day, f.match_id, f.match_player_id, f.player_id, f.currency, sum(f.amount_minor)::bigint
from payouts.return_orders_under_way as u
join payouts.return_order_fees as f on f.instruction_id = u.instruction_id
where u.takes_back_id = %(id)s and u.amount_minor > 0
group by f.day, f.match_id, f.match_player_id, f.player_id, f.currency

-- name: same_order
-- Who has asked for the very same before, and where that stands.
select o.instruction_id, i.status
from payouts.return_orders as o
join payouts.instructions as i on i.id = o.instruction_id and i.status <> 'cancelled'
where o.takes_back_id = %(id)s and o.target = %(target)s and o.asked_minor is not distinct from %(asked_minor)s
order by o.at desc
limit 1

-- name: insert_return_order
-- Notes who has asked for it, and why.
insert into payouts.return_orders (instruction_id, takes_back_id, target, asked_minor, actor, reason)
values (%(order_id)s, %(id)s, %(target)s, %(asked_minor)s, %(actor)s, %(reason)s)

-- name: insert_return_order_fees
-- Notes of which fees a refund is.
insert into payouts.return_order_fees (
    instruction_id, day, match_id, match_player_id, player_id, currency, amount_minor
)
select %(order_id)s, day, match_id, match_player_id, player_id, currency, amount_minor
from jsonb_to_recordset(%(fees)s::jsonb) as t (
    day date, match_id bigint, match_player_id bigint, player_id bigint, currency text, amount_minor bigint
)
