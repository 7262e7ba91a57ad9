-- Where the money of a match, player, payee or instruction came from and where it is.

-- name: explain_days
-- On which days anything was booked on accounts, and how much in all; as the accounts have it, in their usual direction.
select
    b.day, e.currency,
    sum(case when a.subject = 'player' then e.amount_minor else -e.amount_minor end)::bigint as booked_minor
from payouts.entries as e
join payouts.bookings as b on b.id = e.booking_id
join payouts.accounts as a on a.id = e.account_id
where e.account_id = any(%(account_ids)s)
group by b.day, e.currency
order by b.day desc, e.currency

-- name: explain_match_days
-- The days on which fees of a match are booked, latest first: a match that was moved has two. Of old days only those are
-- found that have a row of the line-up of now, by the key of the fees; the latest ones are looked through.
select d.day
from (select day from payouts.days order by day desc limit %(latest_days)s) as d
cross join lateral (
    select from payouts.fees as f where f.day = d.day and f.match_id = %(match_id)s limit 1
) as booked
union
select d.day
from payouts.days as d
cross join lateral (
    select
    from payouts.fees as f
    where f.day = d.day and f.match_player_id = any(%(match_player_ids)s) and f.match_id = %(match_id)s
    limit 1
) as booked
order by day desc

-- name: explain_search_match_days
-- The latest day on which fees of a match are booked that `league` does not know any more: day by day, backwards.
select d.day
from payouts.days as d
cross join lateral (
    select from payouts.fees as f where f.day = d.day and f.match_id = %(match_id)s limit 1
) as booked
order by d.day desc
limit 1

-- name: explain_fees
-- The fees of one day as each booking changed them, of one match or of one player (the other one is null).
select
    f.day, f.match_id, f.match_player_id, f.player_id, f.currency, f.booking_id, b.booked_at, b.actor as booked_by,
    f.amount_minor, f.charge_id, f.release_id, r.day as release_day, r.released_at
from payouts.fees as f
join payouts.bookings as b on b.id = f.booking_id
left join payouts.releases as r on r.id = f.release_id
where f.day = %(day)s
    and f.match_id = coalesce(%(match_id)s, f.match_id)
    and f.player_id = coalesce(%(player_id)s, f.player_id)
order by f.match_id, f.match_player_id, f.player_id, f.currency, f.booking_id

-- name: explain_shares
-- The shares of the fees of one day as each booking changed them, with how the fee was collected and which payout pays
-- the share: of one match, of one player or of one payee (the others are null).
select
    s.day, s.match_id, s.match_player_id, s.player_id, s.currency, s.booking_id, b.booked_at,
    b.actor as booked_by, s.billing_subject, s.subject_id, s.amount_minor, f.amount_minor as fee_minor, a.id as account_id,
    f.charge_id, f.release_id, r.day as release_day, r.released_at, l.payout_id
from payouts.shares as s
join payouts.fees as f using (day, match_player_id, match_id, player_id, currency, booking_id)
join payouts.bookings as b on b.id = s.booking_id
join payouts.accounts as a
    on a.subject = s.billing_subject and a.subject_id = s.subject_id and a.currency = s.currency
left join payouts.releases as r on r.id = f.release_id
left join payouts.release_lines as l on l.release_id = f.release_id and l.account_id = a.id
where s.day = %(day)s
    and s.match_id = coalesce(%(match_id)s, s.match_id)
    and s.player_id = coalesce(%(player_id)s, s.player_id)
    and s.billing_subject = coalesce(%(billing_subject)s, s.billing_subject)
    and s.subject_id = coalesce(%(subject_id)s, s.subject_id)
order by
    s.match_id, s.match_player_id, s.player_id, s.currency,
    array_position(array['club', 'organiser', 'partner', 'platform'], s.billing_subject), s.subject_id, s.booking_id

-- name: explain_open_fees
-- What a player has not paid yet, of any day, as each booking changed it.
select
    f.day, f.match_id, f.match_player_id, f.player_id, f.currency, f.booking_id, b.booked_at, b.actor as booked_by,
    f.amount_minor, f.charge_id, f.release_id, null::date as release_day, null::timestamptz as released_at
from payouts.fees as f
join payouts.bookings as b on b.id = f.booking_id
where f.player_id = %(player_id)s and f.release_id is null
order by f.day desc, f.match_id, f.match_player_id, f.currency, f.booking_id

-- name: explain_charge_fees
-- The fees that a charge covers, whichever days they are of. No index leads there from the charge, so that it goes by
-- the days on which anything was booked for the player.
with days as (
    select distinct b.day
    from payouts.entries as e
    join payouts.bookings as b on b.id = e.booking_id
    where e.account_id = (select account_id from payouts.instructions where id = %(id)s)
)
select
    f.day, f.match_id, f.match_player_id, f.player_id, f.currency, f.booking_id, b.booked_at, b.actor as booked_by,
    f.amount_minor, f.charge_id, f.release_id, r.day as release_day, r.released_at
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
cross join days as d
join payouts.fees as f
    on f.day = d.day and f.player_id = a.subject_id and f.currency = a.currency and f.charge_id = i.id
join payouts.bookings as b on b.id = f.booking_id
left join payouts.releases as r on r.id = f.release_id
where i.id = %(id)s
order by f.day, f.match_id, f.match_player_id, f.booking_id

-- name: explain_payout_lines
-- What a payout pays: what each release made payable.
select r.day, l.release_id, r.released_at, l.amount_minor
from payouts.release_lines as l
join payouts.releases as r on r.id = l.release_id
where l.payout_id = %(id)s
order by r.day, l.release_id

-- name: explain_uncollected_shares
-- A payee's shares of fees that were not collected yet, by day and by what the charge says. From each such fee by key to
-- its share ("offset 0" keeps the planner to it): uncollected fees are few, and shares are as many as there ever were.
select
    f.day, f.currency, c.status as charge_status, c.reason_code, c.reason_details, min(c.retry_at) as retry_at,
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
    select i.status, i.reason_code, i.reason_details, i.retry_at from payouts.instructions as i where i.id = f.charge_id offset 0
) as c on true
where f.release_id is null
group by f.day, f.currency, c.status, c.reason_code, c.reason_details
order by f.day desc, f.currency, c.status, c.reason_code, c.reason_details

-- name: explain_unpaid_lines
-- What was released on accounts and is in no payout yet, by the day whose run released it.
select r.day, a.currency, sum(l.amount_minor)::bigint as amount_minor
from payouts.release_lines as l
join payouts.releases as r on r.id = l.release_id
join payouts.accounts as a on a.id = l.account_id
where l.account_id = any(%(account_ids)s) and l.payout_id is null
group by r.day, a.currency
order by r.day desc, a.currency

-- name: explain_held_out
-- Fees that can't be split: of a match, or of rows of a line-up (the other one is null); of a day, or of all.
select day, match_id, match_player_id, reason_code
from payouts.held_out
where day = coalesce(%(day)s, day)
    and (match_id = %(match_id)s or match_player_id = any(%(match_player_ids)s))
order by day desc, match_id, match_player_id, reason_code

-- name: explain_account_ids
-- The accounts of one player or payee, in all currencies.
select id from payouts.accounts where subject = %(subject)s and subject_id = %(subject_id)s

-- name: explain_player_accounts
-- Which account each of these players has in which currency.
select id, subject_id, currency from payouts.accounts where subject = 'player' and subject_id = any(%(player_ids)s)

-- name: explain_accounts
-- The positions of accounts, by id; and the last day whose run released something that no payout pays (nothing ever
-- pays the platform: its lines are as many as there are releases).
select
    a.id, subject || ':' || subject_id as payee, currency, booked_minor, released_minor, settled_minor, in_flight_minor,
    booked_minor - settled_minor - in_flight_minor as open_minor,
    booked_minor - released_minor as not_collected_minor,
    case when subject <> 'player' then released_minor - settled_minor - in_flight_minor end as payable_minor,
    case when subject in ('club', 'organiser', 'partner') then (
        select max(r.day)
        from payouts.release_lines as l
        join payouts.releases as r on r.id = l.release_id
        where l.account_id = a.id and l.payout_id is null
    ) end as payable_day
from payouts.accounts as a
where a.id = any(%(ids)s)
order by currency

-- name: explain_blocked_players
-- Which of the players can't be charged more for now, as `charges_due` sees it: a fee was corrected, and a part of it is
-- covered by a charge whose outcome is open.
select distinct a.id
from payouts.fees as f
join payouts.accounts as a on a.subject = 'player' and a.subject_id = f.player_id and a.currency = f.currency
where f.player_id = any(%(player_ids)s) and f.release_id is null
group by a.id, f.day, f.match_player_id
having bool_or(f.charge_id is null) and bool_or(f.charge_id is not null)

-- name: explain_instruction_ids
-- The instructions of accounts that a day made, or of all days without one: first what is open, then the latest.
select id
from payouts.instructions
where account_id = any(%(account_ids)s) and day = coalesce(%(day)s, day)
order by status in ('settled', 'cancelled'), day desc, created_at desc, id

-- name: explain_instructions
-- Instructions, by id.
select
    i.id, i.day, i.billing_type, a.subject || ':' || a.subject_id as payee, i.currency, i.amount_minor, i.sequence,
    i.status, i.status_at, i.changed_by, i.reason_code, i.reason_details, i.retry_at, i.created_at, i.provider_reference,
    i.provider_request_id, p.actor as approved_by
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
left join payouts.approvals as p on p.instruction_id = i.id
where i.id = any(%(ids)s)
order by i.day, i.created_at, i.id

-- name: explain_attempts
-- The tries of instructions at the provider. No account, customer or card: support needs the request's id.
select
    instruction_id, number, idempotency_key, first_sent_at, last_sent_at, sends, outcome, code, provider_request_id,
    finished_at
from payouts.attempts
where instruction_id = any(%(ids)s)
order by instruction_id, number

-- name: explain_events
-- The history of one instruction.
select at, from_status, to_status, actor, reason_code, reason_details, provider_request_id
from payouts.events
where instruction_id = %(id)s
order by id
