-- A message can arrive before its publisher has noted that it was published.
update payouts.instructions
set status = 'published', status_at = now(), reason = 'waits for a worker', changed_by = %(actor)s,
    published_at = now()
where id = any(%(ids)s) and status = 'pending'
