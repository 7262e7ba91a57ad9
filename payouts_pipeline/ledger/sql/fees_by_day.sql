-- The fees of some days by currency, corrections included: what the fees of another day are compared with.
select day, currency, sum(amount_minor)::bigint as amount_minor
from payouts.fees
where day = any(%(days)s)
group by day, currency
having sum(amount_minor) <> 0
