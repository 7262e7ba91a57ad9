-- Notes what the bus has accepted, as of when it was found to be due: what a worker has made of it since is later, and
-- so its next message is not taken to be published already.
with locked as (
    select id from payouts.instructions
    where id = any(%(ids)s) and status in ('pending', 'published', 'sending', 'unknown')
    order by id
    for update
)
update payouts.instructions as i
set published_at = %(read_at)s,
    status = case i.status when 'pending' then 'published' else i.status end,
    status_at = case i.status when 'pending' then now() else i.status_at end,
    reason = case i.status when 'pending' then 'waits for a worker' else i.reason end,
    changed_by = case i.status when 'pending' then %(actor)s else i.changed_by end
from locked
where i.id = locked.id
