-- Notes the card of an open attempt, once and for all; gives the one that counts.
update payouts.attempts
set stripe_payment_method_id = coalesce(stripe_payment_method_id, %(payment_method_id)s)
where instruction_id = %(instruction_id)s and number = %(number)s and outcome is null
returning stripe_payment_method_id
