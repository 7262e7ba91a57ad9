-- Locks the instructions that outcomes are of, in the order of their ids.
select i.id
from jsonb_to_recordset(%(outcomes)s::jsonb) as o (instruction_id uuid)
join payouts.instructions as i on i.id = o.instruction_id
order by i.id
for update of i
