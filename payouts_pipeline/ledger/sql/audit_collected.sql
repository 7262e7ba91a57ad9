-- Rule 2: players of whom more was released than was collected, or more is covered than was and will be charged; and
-- fees that are released, or hang on a charge, that is not theirs, not settled or cancelled.
with uncollected as (
    select s.id as account_id, sum(f.amount_minor) as amount_minor,
        sum(f.amount_minor) filter (where f.charge_id is null) as uncovered_minor
    from audit_scope as s
    join payouts.fees as f on f.player_id = s.subject_id and f.currency = s.currency and f.release_id is null
    where s.subject = 'player'
    group by s.id
), player as (
    select a.id, a.currency, a.settled_minor, a.in_flight_minor,
        a.booked_minor - coalesce(u.amount_minor, 0) as released_minor,
        a.booked_minor - coalesce(u.uncovered_minor, 0) as covered_minor
    from audit_scope as s
    join payouts.accounts as a on a.id = s.id
    left join uncollected as u on u.account_id = a.id
    where a.subject = 'player'
)
select 'account' as kind, id::text as id,
    format('%%s %%s are released and %%s were collected', released_minor, currency, settled_minor) as detail
from player
where released_minor > settled_minor
union all
select 'account', id::text,
    format(
        '%%s %%s are released or covered by a charge, and %%s were or will be charged',
        covered_minor, currency, settled_minor + in_flight_minor
    )
from player
where covered_minor > settled_minor + in_flight_minor
union all
select 'fee', f.day || '/' || f.match_player_id,
    format(
        'is %%s, and the charge %%s that covers it is %%s',
        case when f.release_id is null then 'open' else 'released' end, i.id,
        case when (a.subject, a.subject_id, a.currency) is distinct from ('player', f.player_id, f.currency)
            then 'of another account' else i.status end
    )
from payouts.fees as f
join payouts.instructions as i on i.id = f.charge_id
join payouts.accounts as a on a.id = i.account_id
where (%(days)s::date[] is null or f.day = any(%(days)s))
    and (
        i.status = 'cancelled'
        or f.release_id is not null and i.status <> 'settled'
        or (a.subject, a.subject_id, a.currency) is distinct from ('player', f.player_id, f.currency)
    )
