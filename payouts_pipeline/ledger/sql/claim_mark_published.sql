-- A message can arrive before its publisher has noted that it was published.
with locked as (
    select id from payouts.instructions where id = any(%(ids)s) and status = 'pending' order by id for update
)
update payouts.instructions as i
set status = 'published', status_at = now(), reason = 'waits for a worker', changed_by = %(actor)s,
    published_at = now()
from locked
where i.id = locked.id
