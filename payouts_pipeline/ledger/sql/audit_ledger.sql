-- Rule 7: currencies in which the ledger as a whole does not sum to zero.
select 'ledger' as kind, currency as id, format('sums to %%s', sum(amount_minor)) as detail
from payouts.entries
group by currency
having sum(amount_minor) <> 0
