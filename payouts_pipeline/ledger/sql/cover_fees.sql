-- Ties every open fee of the new charges' accounts to its charge.
update payouts.fees as f
set charge_id = n.id
from new_instructions as n
join payouts.accounts as a on a.id = n.account_id
where f.player_id = a.subject_id and f.currency = a.currency and f.release_id is null and f.charge_id is null
