-- What a day's fees and shares are: written once, corrected by new rows, and what was held out.

-- name: keep_timezone
-- The timezone of the ledger's days: the one that it was first booked in, which is this one where it was not yet.
with first as (
    insert into payouts.calendar (timezone) values (%(timezone)s) on conflict (is_only) do nothing returning timezone
)
select timezone from first
union all
select timezone from payouts.calendar
limit 1

-- name: is_booked
-- Whether a day was ever materialised.
select exists (select from payouts.days where day = %(day)s)

-- name: collect_booked
-- The fees of a day as they are booked, in the order of the batches that they are compared with.
create temporary table booked on commit drop as
select match_id, match_player_id, player_id, currency, amount_minor, allocation_id, club_id, organiser_id
from payouts.fees
where day = %(day)s
order by match_id

-- name: index_booked
-- Finds those of some matches among them.
create index on booked (match_id)

-- name: booked_lines
-- What of these is booked for some matches, added up line by line, in the columns of `domain.frames.LINES`.
with booked_fees as (
    select *
    from booked
    where (%(after)s::bigint is null or match_id > %(after)s) and (%(up_to)s::bigint is null or match_id <= %(up_to)s)
)
select
    match_id, match_player_id, player_id, 'player' as billing_subject, player_id as subject_id, currency,
    sum(amount_minor) as amount_minor
from booked_fees
group by match_id, match_player_id, player_id, currency
having sum(amount_minor) <> 0
union all
select
    f.match_id, f.match_player_id, f.player_id, l.billing_subject,
    case l.billing_subject when 'club' then f.club_id when 'organiser' then f.organiser_id else l.partner_id end
        as subject_id,
    f.currency, sum(l.amount_minor) as amount_minor
from booked_fees as f
join payouts.allocation_lines as l on l.allocation_id = f.allocation_id
group by 1, 2, 3, 4, 5, 6
having sum(l.amount_minor) <> 0

-- name: booked_elsewhere
-- Which of these matches other days have booked, and not taken back.
with elsewhere as (
    select match_id, day from payouts.booked_matches where match_id = any(%(match_ids)s) and day <> %(day)s
)
select distinct e.match_id
from elsewhere as e
where (e.day, e.match_id) in (
    select s.day, s.match_id from payouts.standing_matches as s where s.day in (select day from elsewhere)
)

-- name: booked_states
-- The days of a period that were booked, each with a text that changes when what is booked or held out of it changes, or
-- when the day is booked again for which one of its matches is held out.
select d.day,
    coalesce((select max(b.id) from payouts.bookings as b where b.day = d.day), 0)
    || ' '
    || coalesce((
        select sum(hashtextextended(row(h.match_player_id, h.match_id, h.reason_code, (
            select max(b.id)
            from payouts.booked_matches as m
            join payouts.bookings as b on b.day = m.day
            where m.match_id = h.match_id and m.day <> h.day and h.reason_code = %(on_another_day)s
        ))::text, 0))
        from payouts.held_out as h
        where h.day = d.day
    ), 0) as state
from payouts.days as d
where d.day between %(first_day)s and %(last_day)s
order by d.day

-- name: insert_booking
-- Opens a booking of a day; the fees and shares that follow carry its id.
insert into payouts.bookings (day, actor) values (%(day)s, %(actor)s) returning id

-- name: insert_allocations
-- Adds the allocations that there are not yet, in one order, so that two bookings that add the same can't deadlock.
insert into payouts.allocations (id, amount_minor, lines)
select a.id, a.amount_minor, a.lines::jsonb
from jsonb_to_recordset(%(allocations)s::jsonb) as a (id uuid, amount_minor bigint, lines text)
order by a.id
on conflict (id) do nothing

-- name: has_fees
-- Whether anything was ever booked for a day.
select exists (select from payouts.fees where day = %(day)s)

-- name: splits_digest
-- The digest of the splits that a day was booked from.
select splits_digest from payouts.days where day = %(day)s

-- name: keep_splits_digest
-- Notes from which splits a day is booked: from none where the same are booked otherwise later, once another day has given
-- a match up.
update payouts.days
set splits_digest = new.digest
from (
    select case when not exists (select from new_held_out where reason_code = %(on_another_day)s) then %(digest)s::text end
        as digest
) as new
where day = %(day)s and splits_digest is distinct from new.digest

-- name: have_memory
-- Lets the sorts and sums of a booking stay in memory where the day is large, until the transaction ends.
select set_config('work_mem', '64MB', true) where pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('64MB')

-- name: create_new_fees
-- Where the fees of bookings wait until the charges that cover them have names.
create temporary table new_fees (
    booking_id bigint, match_id bigint, match_player_id bigint, player_id bigint, currency char(3), amount_minor bigint,
    allocation_id uuid, club_id bigint, organiser_id bigint
) on commit drop

-- name: create_postings
-- Where bookings are added up by account; with what a player can be charged for a booking alone.
create temporary table postings (
    booking_id bigint, billing_subject text, subject_id bigint, currency char(3), amount_minor bigint, charge_minor bigint
) on commit drop

-- name: sum_postings
-- Adds up the new fees by account, as entries: a debit for what a player owes, a credit for what a payee is owed.
with owed as (
    select booking_id, player_id, currency, sum(amount_minor)::bigint as amount_minor
    from new_fees
    group by booking_id, player_id, currency
), divided as (
    select booking_id, allocation_id, club_id, organiser_id, currency, count(*) as fees
    from new_fees
    group by booking_id, allocation_id, club_id, organiser_id, currency
)
insert into postings (booking_id, billing_subject, subject_id, currency, amount_minor, charge_minor)
select o.booking_id, 'player', o.player_id, o.currency, o.amount_minor,
    case when %(may_charge)s and o.amount_minor between c.lowest_minor and c.highest_minor then o.amount_minor end
from owed as o
join unnest(%(currencies)s::text[], %(lowest_minor)s::bigint[], %(highest_minor)s::bigint[])
    as c (currency, lowest_minor, highest_minor) on c.currency = o.currency
union all
select d.booking_id, l.billing_subject,
    case l.billing_subject when 'club' then d.club_id when 'organiser' then d.organiser_id else l.partner_id end,
    d.currency, -sum(d.fees * l.amount_minor)::bigint, null
from divided as d
join payouts.allocation_lines as l on l.allocation_id = d.allocation_id
group by 1, 2, 3, 4

-- name: create_opened
-- The accounts that a booking opens.
create temporary table opened (account_id bigint) on commit drop

-- name: open_accounts
-- Opens the accounts that a booking needs for the first time, with what it books and charges. Before any account is
-- locked, and in order, so that two bookings that open the same can't deadlock.
with made as (
    insert into payouts.accounts (subject, subject_id, currency, booked_minor, in_flight_minor)
    select billing_subject, subject_id, currency,
        sum(case when billing_subject = 'player' then amount_minor else -amount_minor end),
        coalesce(sum(charge_minor), 0)
    from postings
    group by billing_subject, subject_id, currency
    union all
    select distinct 'provider', 0, currency, 0, 0 from postings
    order by 1, 2, 3
    on conflict (subject, subject_id, currency) do nothing
    returning id
)
insert into opened (account_id) select id from made

-- name: lock_players_of_booking
-- Locks the accounts of all players with fees on this day or in the bookings, in the order of their ids. Of those that
-- this transaction has opened nobody else knows.
select count(*)
from (
    select a.id
    from payouts.accounts as a
    where a.subject = 'player'
        and (a.subject_id, a.currency) in (
            select subject_id, currency from postings where billing_subject = 'player'
            union
            select player_id, currency from payouts.fees where day = %(day)s
        )
        and not exists (select from opened as o where o.account_id = a.id)
    order by a.id
    for no key update
) as locked

-- name: count_postings
-- Tells the planner what is in the tables.
analyze postings, opened

-- name: create_charged
-- The players who are charged for a booking alone.
create temporary table charged (
    account_id bigint primary key, billing_subject text, subject_id bigint, currency char(3), amount_minor bigint
) on commit drop

-- name: find_charged
-- The players who are charged for the booking alone: the account is new, or nothing else is open or in flight on it. As
-- much as Stripe once refused as too small is not tried again. Everybody else is looked at by `charges_due`.
insert into charged (account_id, billing_subject, subject_id, currency, amount_minor)
select a.id, a.subject, a.subject_id, a.currency, p.charge_minor
from postings as p
join payouts.accounts as a
    on a.subject = p.billing_subject and a.subject_id = p.subject_id and a.currency = p.currency
left join opened as o on o.account_id = a.id
where p.charge_minor is not null
    and (
        o.account_id is not null
        or a.in_flight_minor = 0 and a.booked_minor = a.settled_minor
        and not exists (
            select
            from payouts.fees as f
            where f.player_id = a.subject_id and f.currency = a.currency
                and f.charge_id is null and f.own_release_id is null
        )
        and not exists (
            select
            from payouts.instructions as i
            where i.account_id = a.id and i.status = 'cancelled' and i.reason_code = %(carried_over)s
                and i.amount_minor >= p.charge_minor
        )
    )
order by a.id

-- name: count_charged
-- Tells the planner what is in the table.
analyze charged

-- name: add_booked
-- Adds a booking to the accounts that there were before, each in its usual direction, with what is charged for it.
update payouts.accounts as a
set booked_minor = a.booked_minor + case when a.subject = 'player' then p.amount_minor else -p.amount_minor end,
    in_flight_minor = a.in_flight_minor + coalesce(c.amount_minor, 0)
from (
    select billing_subject, subject_id, currency, sum(amount_minor) as amount_minor
    from postings
    group by billing_subject, subject_id, currency
) as p
left join charged as c using (billing_subject, subject_id, currency)
where a.subject = p.billing_subject and a.subject_id = p.subject_id and a.currency = p.currency and p.amount_minor <> 0
    and not exists (select from opened as o where o.account_id = a.id)

-- name: post_entries
-- Enters a booking into the ledger; a trigger asserts that it sums to zero.
insert into payouts.entries (booking_id, account_id, currency, amount_minor)
select p.booking_id, a.id, p.currency, p.amount_minor
from postings as p
join payouts.accounts as a
    on a.subject = p.billing_subject and a.subject_id = p.subject_id and a.currency = p.currency
where p.amount_minor <> 0
order by a.id

-- name: write_fees
-- Writes the fees of bookings, each with the charge that covers it, in the order of their key: unsorted rows take three
-- times as long.
insert into payouts.fees (
    booking_id, day, match_id, match_player_id, player_id, currency, amount_minor, allocation_id, club_id, organiser_id,
    charge_id
)
select
    f.booking_id, %(day)s, f.match_id, f.match_player_id, f.player_id, f.currency, f.amount_minor, f.allocation_id,
    f.club_id, f.organiser_id, c.charge_id
from new_fees as f
left join charges as c on c.subject_id = f.player_id and c.currency = f.currency
order by f.player_id, f.match_player_id, f.match_id, f.booking_id

-- name: create_new_held_out
-- Where the fees are collected that the splits of a day hold out.
create temporary table new_held_out (match_player_id bigint, match_id bigint, reason_code text) on commit drop

-- name: held_out_differs
-- Whether these are others than those that were held out when the day was last booked, or for other reasons.
with kept as (
    select match_player_id, match_id, reason_code from payouts.held_out where day = %(day)s
), wanted as (
    select match_player_id, match_id, reason_code from new_held_out
)
select exists (select from (table kept except all table wanted) as gone)
    or exists (select from (table wanted except all table kept) as added)

-- name: insert_held_out
-- Notes what is held out of a day from now on.
insert into payouts.held_out (day, match_player_id, match_id, reason_code)
select %(day)s, match_player_id, match_id, reason_code
from new_held_out
order by match_player_id, match_id, reason_code

-- name: clear_held_out
-- Forgets what was held out of a day, before the new list goes in.
delete from payouts.held_out where day = %(day)s

-- name: days_never_booked
-- The days of a period that were never booked, since the installation has been at work: from the day before its very first
-- run on. What was before that nobody has asked for, whichever old day somebody materialises.
with candidates as (
    select %(first_day)s::date + number as day
    from generate_series(0, %(last_day)s::date - %(first_day)s::date) as number
)
select c.day
from candidates as c
where c.day >= (select (min(d.first_booked_at) at time zone %(timezone)s)::date - 1 from payouts.days as d)
    and not exists (select from payouts.days as d where d.day = c.day)
order by c.day
