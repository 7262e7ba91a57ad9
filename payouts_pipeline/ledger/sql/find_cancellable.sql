-- The instruction that a person wants to take back, if nothing of it is under way at the provider.
create temporary table retracted on commit drop as
select id, account_id, amount_minor
from payouts.instructions
where id = %(id)s and status = any(%(retractable)s)
for update
