-- Accounts of a day whose columns differ from what their entries, instructions and fees add up to.
with of_day as (
    select a.*
    from payouts.accounts as a
    where (a.subject, a.subject_id, a.currency) in (
        select 'player', player_id, currency from payouts.fees where day = %(day)s
        union
        select billing_subject, subject_id, currency from payouts.shares where day = %(day)s
    )
), entered as (
    select e.account_id,
        sum(e.amount_minor) filter (where e.booking_id is not null) as booked_minor,
        sum(e.amount_minor) filter (where e.instruction_id is not null) as settled_minor
    from payouts.entries as e
    where e.account_id in (select id from of_day)
    group by e.account_id
), instructed as (
    select i.account_id,
        sum(i.amount_minor) filter (where i.status = 'settled') as settled_minor,
        sum(i.amount_minor) filter (where i.status not in ('settled', 'cancelled')) as in_flight_minor
    from payouts.instructions as i
    where i.account_id in (select id from of_day)
    group by i.account_id
)
select a.id, a.subject, a.currency,
    a.booked_minor, a.settled_minor, a.in_flight_minor,
    case a.subject when 'player' then 1 else -1 end * coalesce(e.booked_minor, 0)::bigint as entered_minor,
    coalesce(i.settled_minor, 0)::bigint as instructed_settled_minor,
    coalesce(i.in_flight_minor, 0)::bigint as instructed_in_flight_minor
from of_day as a
left join entered as e on e.account_id = a.id
left join instructed as i on i.account_id = a.id
where a.booked_minor <> case a.subject when 'player' then 1 else -1 end * coalesce(e.booked_minor, 0)
    or a.settled_minor <> coalesce(i.settled_minor, 0)
    or a.settled_minor <> case a.subject when 'player' then -1 else 1 end * coalesce(e.settled_minor, 0)
    or a.in_flight_minor <> coalesce(i.in_flight_minor, 0)
order by a.id
