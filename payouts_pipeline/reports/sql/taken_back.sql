-- What Stripe has taken back, as people are told of it the next morning.

-- name: taken_back
-- What was entered of some local days and nobody has said yet what becomes of it, by day, kind and currency. What has
-- come again in full (a dispute that was won, a refund that failed) is not among it.
select (r.at at time zone %(timezone)s)::date as day, t.category, i.currency, count(*), sum(r.amount_minor)::bigint as amount_minor
from payouts.returns as r
join payouts.balance_transactions as t on t.id = r.transaction_id
join payouts.instructions as i on i.id = r.instruction_id
where (r.at at time zone %(timezone)s)::date between %(first_day)s and %(last_day)s
    and r.amount_minor > 0 and r.lifted_at is null
    and 0 < (select sum(every.amount_minor) from payouts.returns as every where every.instruction_id = r.instruction_id)
group by 1, 2, 3
order by 1, 2, 3
