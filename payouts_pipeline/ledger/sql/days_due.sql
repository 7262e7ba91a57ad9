-- Days that materialising would move forward: what waits has its time, an unknown outcome is to be asked for, a
-- message or a worker is lost, or a charge has settled after its run had ended. With a text that changes when what is
-- due changes.
with due as (
    select i.day, i.id, i.status, i.retry_at
    from payouts.instructions as i
    -- A line for each status, so that each finds its index.
    where i.status = 'waiting' and i.retry_at <= now()
        or i.status = 'unknown' and i.retry_at <= now()
        or i.status = 'pending' and i.status_at < now() - %(lost_after)s
        or i.status = 'published' and i.status_at < now() - %(lost_after)s
        or i.status = 'sending' and i.leased_until < now()
    union all
    select i.day, i.id, i.status, i.status_at
    from payouts.fees as f
    join payouts.instructions as i on i.id = f.charge_id
    where f.release_id is null and i.status = 'settled' and i.status_at < now() - %(lost_after)s
)
select day, md5(string_agg(distinct id::text || status || retry_at::text, ' ')) as fingerprint
from due
group by day
order by day
