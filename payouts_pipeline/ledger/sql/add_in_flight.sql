-- Takes the amounts of the new instructions off the open balances.
update payouts.accounts as a
set in_flight_minor = a.in_flight_minor + n.amount_minor
from new_instructions as n
where a.id = n.account_id
