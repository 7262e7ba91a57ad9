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

-- name: preview_instructions
-- What it has made, resumed, held or cancelled, by billing type, currency and status.
select billing_type, currency, status, reason_code, reason_details, count(*), sum(amount_minor)::bigint
from payouts.instructions
where day = %(day)s and changed_by = %(actor)s
group by billing_type, currency, status, reason_code, reason_details
order by billing_type, currency, status, reason_code, reason_details

-- name: preview_held_out
-- What it has held out of the day, by reason.
select reason_code, count(*) from payouts.held_out where day = %(day)s group by reason_code order by reason_code

-- name: forget_temporary_tables
-- Ends the first of two transactions that are one: each makes its tables anew.
discard temp
