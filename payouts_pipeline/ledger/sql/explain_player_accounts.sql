-- Which account each of these players has in which currency.
select id, subject_id, currency from payouts.accounts where subject = 'player' and subject_id = any(%(player_ids)s)
