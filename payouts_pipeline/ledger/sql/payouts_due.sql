-- What is payable on each payee's account that this day released something to and that no payout covers: what was
-- released up to this day, so that a range of days makes the payouts that the days would make one by one. It is all
-- that there is where a payout was just taken back (`retracted`), or where a later correction has left less.
with payable as (
    select l.account_id,
        sum(l.amount_minor) filter (where r.day <= %(day)s) as up_to_day_minor,
        sum(l.amount_minor) as all_minor,
        l.account_id in (select account_id from retracted) as is_retracted
    from payouts.release_lines as l
    join payouts.releases as r on r.id = l.release_id
    where l.payout_id is null
    group by l.account_id
    having bool_or(r.day = %(day)s) or l.account_id in (select account_id from retracted)
), due as (
    select account_id,
        (case when is_retracted then all_minor else least(up_to_day_minor, all_minor) end)::bigint as amount_minor
    from payable
)
select
    a.id as account_id, a.subject as billing_subject, a.subject_id, a.currency, d.amount_minor,
    coalesce(
        (select max(i.sequence) from payouts.instructions as i where i.day = %(day)s and i.account_id = a.id), 0
    ) + 1 as sequence
from due as d
join payouts.accounts as a on a.id = d.account_id
where a.subject in ('club', 'organiser', 'partner') and d.amount_minor > 0
    -- A share that was taken back, but waits with its fee for a charge, is worked off before anything more is paid.
    and d.amount_minor <= a.booked_minor - a.in_flight_minor - a.settled_minor
