-- Locks the accounts that outcomes will move, in the order in which all transactions do: players
-- by id, payees by id, and then instructions.
select a.id
from jsonb_to_recordset(%(outcomes)s::jsonb) as o (instruction_id uuid, status text)
join payouts.instructions as i on i.id = o.instruction_id
join payouts.accounts as a on a.id = i.account_id
where o.status = 'settled'
order by a.subject <> 'player', a.id
for no key update of a
