-- A payee's shares of fees that were not collected yet, by day and by what the charge says. From each such fee by key to
-- its share ("offset 0" keeps the planner to it): uncollected fees are few, and shares are as many as there ever were.
select
    f.day, f.currency, c.status as charge_status, c.reason as charge_reason, min(c.retry_at) as retry_at,
    count(*) as shares, sum(s.amount_minor)::bigint as amount_minor
from payouts.fees as f
cross join lateral (
    select s.amount_minor
    from payouts.shares as s
    where s.day = f.day and s.match_player_id = f.match_player_id and s.match_id = f.match_id
        and s.player_id = f.player_id and s.currency = f.currency and s.booking_id = f.booking_id
        and s.billing_subject = %(subject)s and s.subject_id = %(subject_id)s
    offset 0
) as s
left join lateral (
    select i.status, i.reason, i.retry_at from payouts.instructions as i where i.id = f.charge_id offset 0
) as c on true
where f.release_id is null
group by f.day, f.currency, c.status, c.reason
order by f.day desc, f.currency, c.status, c.reason
