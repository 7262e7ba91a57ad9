-- The key is old and Stripe does not know the movement: this attempt moved nothing and never will.
update payouts.attempts
set outcome = 'absent', finished_at = now()
where instruction_id = any(%(ids)s) and number = %(number)s and outcome is null
