-- What the transaction of a preview has done, before it is undone.

-- name: preview_fees
-- What it has booked, by currency: how many fees changed, what was added and what taken back.
select f.currency, count(distinct (f.match_id, f.match_player_id)),
    coalesce(sum(f.amount_minor) filter (where f.amount_minor > 0), 0)::bigint,
    coalesce(-sum(f.amount_minor) filter (where f.amount_minor < 0), 0)::bigint
from payouts.bookings as b
join payouts.fees as f on f.day = b.day and f.booking_id = b.id
where b.day = %(day)s and b.actor = %(actor)s
group by f.currency
order by f.currency

-- name: last_event
-- The last event that there is: a preview's come after it.
select coalesce(max(id), 0) from payouts.events

-- name: preview_instructions
-- What it has made, resumed, held or cancelled, by billing type, currency and status; of whichever day: a correction
-- cancels a charge that an earlier day has made. Those that are open are found by their indexes, and those that it has
-- ended by their events.
with touched as (
    select id
    from payouts.instructions
    where changed_by = %(actor)s
        and (
            status = 'pending' or status in ('published', 'sending', 'unknown')
            or status in ('held', 'waiting', 'rejected')
        )
    union
    select instruction_id from payouts.events where id > %(after_event)s and actor = %(actor)s
)
select i.billing_type, i.currency, i.status, i.reason_code, i.reason_details, count(*), sum(i.amount_minor)::bigint
from touched as t
join payouts.instructions as i on i.id = t.id
group by i.billing_type, i.currency, i.status, i.reason_code, i.reason_details
order by i.billing_type, i.currency, i.status, i.reason_code, i.reason_details

-- name: preview_held_out
-- What it has held out of the day, by reason.
select reason_code, count(*) from payouts.held_out where day = %(day)s group by reason_code order by reason_code

-- name: forget_temporary_tables
-- Ends the first of two transactions that are one: each makes its tables anew.
discard temp
