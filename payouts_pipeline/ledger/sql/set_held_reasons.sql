-- Says anew why instructions are held, after a person has done something about it.
with locked as (
    select i.id, n.reason
    from unnest(%(ids)s::uuid[], %(reasons)s::text[]) as n (id, reason)
    join payouts.instructions as i on i.id = n.id and i.status = 'held'
    order by i.id
    for update of i
)
update payouts.instructions as i
set status_at = now(), reason = locked.reason, changed_by = %(actor)s
from locked
where i.id = locked.id
