-- The key is old and Stripe does not know the movement: this attempt moved nothing and never will.
update payouts.attempts as a
set outcome = 'absent', finished_at = now()
from payouts.instructions as i
where a.instruction_id = any(%(ids)s) and a.number = %(number)s and a.outcome is null
    and i.id = a.instruction_id and i.status = 'sending'
