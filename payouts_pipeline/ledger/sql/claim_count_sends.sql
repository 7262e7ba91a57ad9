-- Notes that the open attempts are about to be sent; one with an old key is only asked for.
update payouts.attempts as a
set sends = a.sends + 1, last_sent_at = now()
where a.instruction_id = any(%(ids)s) and a.outcome is null and a.first_sent_at >= now() - %(key_young_for)s
