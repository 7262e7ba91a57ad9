-- Currencies in which the ledger as a whole does not sum to zero.
select currency, sum(amount_minor)::bigint as amount_minor
from payouts.entries
group by currency
having sum(amount_minor) <> 0
