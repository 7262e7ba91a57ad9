-- Rule 7: accounts whose columns are not what their entries, instructions, fees and release lines add up to.
with entered as (
    select e.account_id,
        sum(e.amount_minor) filter (where e.booking_id is not null) as booked_minor,
        sum(e.amount_minor) filter (where e.instruction_id is not null) as settled_minor
    from payouts.entries as e
    where e.account_id in (select id from audit_scope)
    group by e.account_id
), instructed as (
    select i.account_id,
        sum(i.amount_minor) filter (where i.status = 'settled') as settled_minor,
        sum(i.amount_minor) filter (where i.status not in ('settled', 'cancelled')) as in_flight_minor
    from payouts.instructions as i
    where i.account_id in (select id from audit_scope)
    group by i.account_id
), not_released as (
    select s.id as account_id, sum(f.amount_minor) as amount_minor
    from audit_scope as s
    join payouts.fees as f on f.player_id = s.subject_id and f.currency = s.currency and f.release_id is null
    where s.subject = 'player'
    group by s.id
    union all
    select s.id, sum(share.amount_minor)
    from payouts.fees as f
    join payouts.shares as share using (day, match_player_id, match_id, player_id, currency, booking_id)
    join audit_scope as s
        on s.subject = share.billing_subject and s.subject_id = share.subject_id and s.currency = share.currency
    where f.release_id is null
    group by s.id
), released as (
    select l.account_id, sum(l.amount_minor) as amount_minor
    from payouts.release_lines as l
    where l.account_id in (select id from audit_scope)
    group by l.account_id
), figure as (
    select a.id, a.currency, name, kept, recomputed
    from audit_scope as s
    join payouts.accounts as a on a.id = s.id
    left join entered as e on e.account_id = a.id
    left join instructed as i on i.account_id = a.id
    left join not_released as n on n.account_id = a.id
    left join released as r on r.account_id = a.id
    cross join lateral (
        values
            ('booked, by its entries', a.booked_minor, s.debit * coalesce(e.booked_minor, 0)),
            ('settled, by its entries', a.settled_minor, -s.debit * coalesce(e.settled_minor, 0)),
            ('settled, by its instructions', a.settled_minor, coalesce(i.settled_minor, 0)),
            ('in flight, by its instructions', a.in_flight_minor, coalesce(i.in_flight_minor, 0)),
            (
                'released, by what of it is not',
                a.released_minor, s.debit * coalesce(e.booked_minor, 0) - coalesce(n.amount_minor, 0)
            ),
            (
                'released, by its release lines',
                a.released_minor, case a.subject when 'player' then a.released_minor else coalesce(r.amount_minor, 0) end
            )
    ) as figures (name, kept, recomputed)
)
select 'account' as kind, id::text as id,
    format('%%s: is %%s %%s and should be %%s', name, kept, currency, recomputed) as detail
from figure
where kept <> recomputed
