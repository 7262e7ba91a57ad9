-- The history of one instruction.
select at, from_status, to_status, actor, reason, provider_request_id
from payouts.events
where instruction_id = %(id)s
order by id
