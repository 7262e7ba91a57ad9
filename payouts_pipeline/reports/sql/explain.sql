-- Where the money of a match, player, payee or instruction came from and where it is.

-- name: explain_fees
-- Fees as each booking changed them: of some days, of one match or player (what is null does not matter); or those that
-- a charge covers; or, without days and charge, what a player has not paid yet of any day.
with named as (
    select f.*
    from payouts.booked_fees as f
    where f.day = any(%(days)s)
        and (%(match_id)s::bigint is null or f.match_id = %(match_id)s)
        and (%(player_id)s::bigint is null or f.player_id = %(player_id)s)
    union all
    select f.* from payouts.booked_fees as f where f.charge_id = %(charge_id)s
    union all
    select f.*
    from payouts.booked_fees as f
    where %(days)s::date[] is null and %(charge_id)s::uuid is null and f.player_id = %(player_id)s
        and f.charge_id is null and f.own_release_id is null
    union all
    select f.*
    from payouts.accounts as a
    join payouts.instructions as i on i.account_id = a.id and i.status <> 'cancelled'
    join payouts.booked_fees as f on f.charge_id = i.id and f.own_release_id is null
    where %(days)s::date[] is null and %(charge_id)s::uuid is null
        and a.subject = 'player' and a.subject_id = %(player_id)s
        and not exists (select from payouts.charge_releases as r where r.charge_id = i.id)
)
select
    f.day, f.match_id, f.match_player_id, f.player_id, f.currency, f.booking_id, b.booked_at, b.actor as booked_by,
    f.amount_minor, f.amount_minor as fee_minor, f.charge_id, f.release_id, r.released_at,
    f.charge_id is null and f.release_id is null and exists (
        select from payouts.returns as t where t.transaction_id = b.return_id and t.lifted_at is null
    ) as is_held
from named as f
join payouts.bookings as b on b.id = f.booking_id
left join payouts.releases as r on r.id = f.release_id
order by f.day desc, f.match_id, f.match_player_id, f.player_id, f.currency, f.booking_id

-- name: explain_shares
-- The shares of the fees of some days as each booking changed them, with how the fee was collected and which payout pays
-- the share: of one match, of one player or of one payee (what is null does not matter).
select
    s.day, s.match_id, s.match_player_id, s.player_id, s.currency, s.booking_id, b.booked_at,
    b.actor as booked_by, s.billing_subject, s.subject_id, s.amount_minor, s.fee_minor,
    s.charge_id, s.release_id, r.released_at, l.payout_id,
    s.charge_id is null and s.release_id is null and exists (
        select from payouts.returns as t where t.transaction_id = b.return_id and t.lifted_at is null
    ) as is_held
from payouts.shares as s
join payouts.bookings as b on b.id = s.booking_id
join payouts.accounts as a
    on a.subject = s.billing_subject and a.subject_id = s.subject_id and a.currency = s.currency
left join payouts.releases as r on r.id = s.release_id
left join payouts.release_lines as l on l.release_id = s.release_id and l.account_id = a.id
where s.day = any(%(days)s)
    and (%(match_id)s::bigint is null or s.match_id = %(match_id)s)
    and (%(player_id)s::bigint is null or s.player_id = %(player_id)s)
    and (%(subject)s::text is null or s.billing_subject = %(subject)s and s.subject_id = %(subject_id)s)
order by
    s.day desc, s.match_id, s.match_player_id, s.player_id, s.currency,
    array_position(array['club', 'organiser', 'partner', 'platform'], s.billing_subject), s.subject_id, s.booking_id

-- name: explain_match_days
-- The days on which fees of a match are booked, latest first: a match that was moved has two. Of old days only those are
-- found that have a player of the line-up of now, by the key of the fees; the latest ones are looked through. Where neither
-- finds any (`league` has lost the match), day by day backwards, up to the first that has one.
with found as (
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
        where f.day = d.day and f.player_id = any(%(player_ids)s) and f.match_id = %(match_id)s
        limit 1
    ) as booked
)
select day from found
union all
(
    select d.day
    from payouts.days as d
    cross join lateral (
        select from payouts.fees as f where f.day = d.day and f.match_id = %(match_id)s limit 1
    ) as booked
    where not exists (select from found)
    order by d.day desc
    limit 1
)
order by day desc

-- name: explain_held_out
-- Fees that can't be split: of a match, or of rows of a line-up (the other one is null); of a day, or of all.
select day, match_id, match_player_id, reason_code
from payouts.held_out
where (%(day)s::date is null or day = %(day)s)
    and (match_id = %(match_id)s or match_player_id = any(%(match_player_ids)s))
order by day desc, match_id, match_player_id, reason_code

-- name: explain_days
-- On which days anything was booked on the accounts of a player or payee, and how much in all; as the accounts have
-- it, in their usual direction.
select
    b.day, e.currency,
    sum(case when a.subject = 'player' then e.amount_minor else -e.amount_minor end)::bigint as booked_minor
from payouts.entries as e
join payouts.bookings as b on b.id = e.booking_id
join payouts.accounts as a on a.id = e.account_id
where a.subject = %(subject)s and a.subject_id = %(subject_id)s and e.booking_id is not null
group by b.day, e.currency
order by b.day desc, e.currency

-- name: explain_accounts
-- The positions of some players and payees in all currencies; and the last day whose run released something that no
-- payout pays (nothing ever pays the platform: its lines are as many as there are releases).
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
where (a.subject, a.subject_id) in (select * from unnest(%(subjects)s::text[], %(subject_ids)s::bigint[]))
order by a.currency

-- name: explain_blocked_players
-- Which of the players can't be charged more for now, as `charges_due` sees it: a fee was corrected, and a part of it is
-- covered by a charge whose outcome is open.
select distinct 'player:' || f.player_id as payee, f.currency
from payouts.fees as f
join payouts.booked_fees as covered using (day, match_player_id, player_id, currency)
where f.player_id = any(%(player_ids)s) and f.charge_id is null and f.own_release_id is null
    and covered.charge_id is not null and covered.release_id is null

-- name: explain_uncollected_shares
-- A payee's shares of fees that were not collected yet, by day and by what the charge says.
select
    s.day, s.currency, c.status, c.reason_code, c.reason_details, min(c.retry_at) as retry_at,
    count(*) as shares, sum(s.amount_minor)::bigint as amount_minor
from payouts.uncollected_shares as s
left join lateral (
    select i.status, i.reason_code, i.reason_details, i.retry_at
    from payouts.instructions as i
    where i.id = s.charge_id
    offset 0
) as c on true
where s.billing_subject = %(subject)s and s.subject_id = %(subject_id)s
group by s.day, s.currency, c.status, c.reason_code, c.reason_details
order by s.day desc, s.currency, c.status, c.reason_code, c.reason_details

-- name: explain_unpaid_lines
-- What was released to a payee and is in no payout yet, by the day whose run released it.
select r.day, a.currency, sum(l.amount_minor)::bigint as amount_minor
from payouts.release_lines as l
join payouts.releases as r on r.id = l.release_id
join payouts.accounts as a on a.id = l.account_id
where a.subject = %(subject)s and a.subject_id = %(subject_id)s and l.payout_id is null
group by r.day, a.currency
order by r.day desc, a.currency

-- name: explain_instruction_ids
-- The instructions of a player or payee that a day made: first what is open, then the latest.
select i.id
from payouts.accounts as a
join payouts.instructions as i on i.day = %(day)s and i.account_id = a.id
where a.subject = %(subject)s and a.subject_id = %(subject_id)s
order by i.status in ('settled', 'cancelled'), i.created_at desc, i.id

-- name: explain_latest_instruction_ids
-- The same of all days, as far as they are shown: from the latest day backwards, so that nobody reads all that ever was.
with account as (
    select id from payouts.accounts where subject = %(subject)s and subject_id = %(subject_id)s
), open as (
    select i.id, i.day, i.created_at
    from account as a
    join payouts.instructions as i on i.account_id = a.id
        and i.status in ('held', 'pending', 'published', 'sending', 'unknown', 'waiting', 'rejected')
), ended as (
    select i.id, i.day, i.created_at
    from payouts.days as d
    cross join lateral (
        select each.id, each.day, each.created_at
        from account as a
        join payouts.instructions as each on each.day = d.day and each.account_id = a.id
        where each.status in ('settled', 'cancelled')
    ) as i
    order by d.day desc
    limit %(limit)s
)
select id
from (select false as has_ended, * from open union all select true, * from ended) as i
order by has_ended, day desc, created_at desc, id
limit %(limit)s

-- name: explain_instruction_count
-- How many instructions a player or payee has had.
select count(*)
from payouts.accounts as a
join payouts.instructions as i on i.account_id = a.id
where a.subject = %(subject)s and a.subject_id = %(subject_id)s

-- name: explain_instructions
-- Instructions, by id.
select
    i.id, i.day, i.billing_type, a.subject || ':' || a.subject_id as payee, i.currency, i.amount_minor, i.sequence,
    i.status, i.status_at, i.changed_by, i.reason_code, i.reason_details, i.retry_at, i.created_at,
    i.provider_reference, i.provider_request_id, p.actor as approved_by,
    (
        select coalesce(sum(r.amount_minor), 0)::bigint from payouts.returns as r where r.instruction_id = i.id
    ) as returned_minor
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
left join payouts.approved_instructions as p on p.instruction_id = i.id
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

-- name: explain_return_orders
-- Who has asked that of an instruction, or by one, something be given back: what for, why, and of which fees.
select
    o.instruction_id, o.takes_back_id, o.target, i.status, i.amount_minor, o.actor, o.reason, o.at,
    (
        select coalesce(jsonb_agg(jsonb_build_object(
            'day', f.day, 'match_id', f.match_id, 'match_player_id', f.match_player_id, 'amount_minor', f.amount_minor
        ) order by f.day, f.match_player_id), '[]')
        from payouts.return_order_fees as f
        where f.instruction_id = o.instruction_id
    ) as fees
from payouts.return_orders as o
join payouts.instructions as i on i.id = o.instruction_id
where o.instruction_id = %(id)s or o.takes_back_id = %(id)s
order by o.at

-- name: explain_returned
-- What Stripe took back of an instruction and brought again, one by one, with what was left of it after each; whether it
-- was asked for here; and what a payee is owed again since: held, or in which payout.
select
    r.transaction_id, t.category, t.source_id, t.created_at as happened_at, r.at as booked_at, r.amount_minor,
    (i.amount_minor - sum(r.amount_minor) over (order by r.at, r.transaction_id))::bigint as left_minor,
    x.instruction_id as order_id, owed.payout_id as again_id, r.lifted_at is null as is_held
from payouts.returns as r
join payouts.instructions as i on i.id = r.instruction_id
join payouts.balance_transactions as t on t.id = r.transaction_id
left join payouts.return_order_transactions as x
    on x.takes_back_id = r.instruction_id and x.transaction_id = r.transaction_id
left join lateral (
    -- The other side of it is what the payout itself has not paid after all.
    select l.payout_id
    from payouts.releases as e
    join payouts.release_lines as l on l.release_id = e.id
    where e.return_id = r.transaction_id and l.amount_minor = r.amount_minor and l.account_id = i.account_id
        and i.billing_type <> 'player_charge'
) as owed on true
where r.instruction_id = %(id)s
order by r.at, r.transaction_id

-- name: explain_adjustments
-- What people have written off of a player or payee, or moved from or to it; positive is what it is owed more since then,
-- or a player owes less.
select
    d.at, d.currency,
    case when d.to_account_id is null or d.to_account_id = own.id then d.amount_minor else -d.amount_minor end
        as amount_minor,
    case
        when d.to_account_id is null then null
        else other.subject || ':' || other.subject_id
    end as other,
    d.actor, d.reason
from payouts.accounts as own
join payouts.adjustments as d on own.id in (d.account_id, d.to_account_id)
left join payouts.accounts as other
    on other.id = case when d.to_account_id = own.id then d.account_id else d.to_account_id end
where own.subject = %(subject)s and own.subject_id = %(subject_id)s
order by d.at desc, d.id desc

-- name: explain_payout_lines
-- What a payout pays: what each release made payable.
select r.day, l.release_id, r.released_at, l.amount_minor, r.return_id
from payouts.release_lines as l
join payouts.releases as r on r.id = l.release_id
where l.payout_id = %(id)s
order by r.day, l.release_id
