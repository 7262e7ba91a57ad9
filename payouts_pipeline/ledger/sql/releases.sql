-- From a fee that was collected to shares that may be paid (rule of money 2).

-- name: find_charges_to_release
-- The charges of this day that have settled since its last release: they collected the fees that they cover, whichever
-- day these are of.
create temporary table collected_charges on commit drop as
select charge_id from payouts.charges_to_release where day = %(day)s

-- name: find_open_fees
-- The fees, as each booking changed them, of the players of this day that no charge covers, of any day; and whether the
-- same fee has a part that waits for a charge which has not settled.
create temporary table open_fees on commit drop as
select day, match_player_id, match_id, player_id, currency, f.booking_id, f.amount_minor,
    coalesce(same_fee.waits_for_charge, false) or held.match_player_id is not null as waits_for_charge
from payouts.fees as f
left join lateral (
    select true as waits_for_charge
    from payouts.booked_fees as covered
    where covered.day = f.day and covered.match_player_id = f.match_player_id
        and covered.player_id = f.player_id and covered.currency = f.currency
        and covered.charge_id is not null and covered.release_id is null
        and covered.charge_id not in (select charge_id from collected_charges)
    limit 1
) as same_fee on true
-- What was taken back waits for a person.
left join (
    select distinct day, match_player_id, match_id, player_id, currency from payouts.held_fees
) as held using (day, match_player_id, match_id, player_id, currency)
where f.charge_id is null and f.own_release_id is null
    and (f.player_id, f.currency) in (select player_id, currency from payouts.fees where day = %(day)s)

-- name: find_paid_for_fees
-- Those of the open fees whose shares may be paid from now on, without a charge that covers them (`due`):
-- 1. those of which nothing is left to collect (struck off, lowered, or only divided anew), as far as the bookings of
--    the fee come, in their order, without anything to collect;
-- 2. those that the player's credit pays for, oldest day first. The credit of an account is what was or will be
--    charged beyond the fees that were collected or are covered by a charge: all that was booked but the open ones.
-- A fee of which a part is covered by a charge that has not settled waits for that charge.
create temporary table due on commit drop as
with by_booking as (
    select o.*, sum(o.amount_minor) over (fee order by o.booking_id) as left_so_far_minor
    from open_fees as o
    window fee as (partition by o.player_id, o.currency, o.day, o.match_player_id)
), by_fee as (
    select b.*,
        not b.waits_for_charge and b.booking_id <= coalesce(
            max(b.booking_id) filter (where b.left_so_far_minor <= 0) over (
                partition by b.player_id, b.currency, b.day, b.match_player_id
            ), 0
        ) as has_nothing_left
    from by_booking as b
), by_account as (
    select f.*,
        sum(f.amount_minor) over (partition by f.player_id, f.currency) as open_minor,
        sum(f.amount_minor) filter (where f.has_nothing_left) over (partition by f.player_id, f.currency)
            as nothing_left_minor,
        sum(f.amount_minor) filter (where not f.waits_for_charge and not f.has_nothing_left)
        over (partition by f.player_id, f.currency order by f.day, f.match_player_id) as running_minor
    from by_fee as f
)
select f.day, f.match_player_id, f.match_id, f.player_id, f.currency, f.booking_id, 1 as part
from by_account as f
join payouts.accounts as a on a.subject = 'player' and a.subject_id = f.player_id and a.currency = f.currency
where f.has_nothing_left
    or not f.waits_for_charge
    and f.running_minor <= a.settled_minor + a.in_flight_minor - (a.booked_minor - f.open_minor)
        - coalesce(f.nothing_left_minor, 0)

-- name: count_what_is_due
-- Tells the planner what is in the tables.
analyze collected_charges, due

-- name: create_collected_sums
-- What is released, added up in two ways: by player, and by how fees are divided and between whom.
create temporary table collected_sums (
    player_id bigint, currency char(3), allocation_id uuid, club_id bigint, organiser_id bigint, fees bigint,
    amount_minor bigint
) on commit drop

-- name: sum_collected
-- Adds up all that is released now: the fees that charges have collected, and those in `due`. Charges of one day have
-- ids that follow each other, so that their fees stand together in the index.
with collected as (
    select f.player_id, f.currency, f.allocation_id, f.club_id, f.organiser_id, f.amount_minor
    from collected_charges as c
    join payouts.fees as f on f.charge_id = c.charge_id
    where f.own_release_id is null
        and f.charge_id >= (select charge_id from collected_charges order by charge_id limit 1)
        and f.charge_id <= (select charge_id from collected_charges order by charge_id desc limit 1)
    union all
    select f.player_id, f.currency, f.allocation_id, f.club_id, f.organiser_id, f.amount_minor
    from due as d
    join payouts.fees as f using (day, match_player_id, match_id, player_id, currency, booking_id)
)
insert into collected_sums
select player_id, currency, allocation_id, club_id, organiser_id, count(*), sum(amount_minor)
from collected
group by grouping sets ((player_id, currency), (allocation_id, club_id, organiser_id, currency))

-- name: sum_part
-- Adds up one part of what is released, where it has several: each of their fees stands in `due`.
insert into collected_sums
select f.player_id, f.currency, f.allocation_id, f.club_id, f.organiser_id, count(*), sum(f.amount_minor)
from due as d
join payouts.fees as f using (day, match_player_id, match_id, player_id, currency, booking_id)
where d.part = %(part)s
group by grouping sets ((f.player_id, f.currency), (f.allocation_id, f.club_id, f.organiser_id, f.currency))

-- name: clear_collected_sums
-- Makes room for the next part.
truncate collected_sums

-- name: count_collected
-- How many fees are released.
select coalesce(sum(fees), 0)::bigint from collected_sums where player_id is not null

-- name: create_collected_lines
-- What is released to each account.
create temporary view collected_lines as
select a.id as account_id, a.subject, a.currency, sum(s.fees * l.amount_minor)::bigint as amount_minor
from collected_sums as s
join payouts.allocation_lines as l on l.allocation_id = s.allocation_id
join payouts.accounts as a
    on a.subject = l.billing_subject and a.currency = s.currency
    and a.subject_id = case l.billing_subject
        when 'club' then s.club_id when 'organiser' then s.organiser_id else l.partner_id end
group by a.id

-- name: sums_due
-- The most that is released to one account, by currency.
select currency, max(amount_minor) from collected_lines where subject <> 'platform' group by currency

-- name: list_collected_fees
-- Enters into `due` the fees that charges have collected, too: where a release has several parts, each fee names its own.
insert into due
select f.day, f.match_player_id, f.match_id, f.player_id, f.currency, f.booking_id, 1
from collected_charges as c
join payouts.fees as f on f.charge_id = c.charge_id
where f.own_release_id is null

-- name: number_due
-- Gives each of the fees a number, to tell them apart.
alter table due add column number bigint generated always as identity

-- name: large_shares_due
-- What would be released to accounts that would get more than one payout can pay, fee by fee.
with share as (
    select d.number, d.day, d.match_player_id, d.booking_id, s.fee_minor, a.id as account_id, a.currency, s.amount_minor,
        sum(s.amount_minor) over (partition by a.id) as all_minor
    from due as d
    join payouts.shares as s using (day, match_player_id, match_id, player_id, currency, booking_id)
    join payouts.accounts as a
        on a.subject = s.billing_subject and a.subject_id = s.subject_id and a.currency = s.currency
    where a.subject <> 'platform'
)
select s.number, s.account_id, s.currency, s.amount_minor
from share as s
join unnest(%(currencies)s::text[], %(maxima)s::bigint[]) as m (currency, maximum_minor) using (currency)
where s.all_minor > m.maximum_minor
order by s.fee_minor > 0, s.day, s.match_player_id, s.booking_id, s.number

-- name: set_parts_due
-- Says in which part of the release each of the fees goes.
update due as d
set part = p.part
from unnest(%(numbers)s::bigint[], %(parts)s::int[]) as p (number, part)
where d.number = p.number

-- name: insert_release
-- Opens a release; its lines follow.
insert into payouts.releases (day, actor) values (%(day)s, %(actor)s) returning id

-- name: release_fees
-- Ties the fees of one part of `due` to their release.
update payouts.fees as f
set own_release_id = %(release_id)s
from due as d
where d.part = %(part)s and f.day = d.day and f.match_player_id = d.match_player_id and f.match_id = d.match_id
    and f.player_id = d.player_id and f.currency = d.currency and f.booking_id = d.booking_id

-- name: add_collected
-- Counts what is released as collected on the players' accounts.
update payouts.accounts as a
set released_minor = a.released_minor + s.amount_minor
from collected_sums as s
where a.subject = 'player' and a.subject_id = s.player_id and a.currency = s.currency and s.amount_minor <> 0

-- name: insert_release_lines
-- What a release makes payable on each account.
insert into payouts.release_lines (release_id, account_id, amount_minor)
select %(release_id)s, account_id, amount_minor from collected_lines where amount_minor <> 0

-- name: add_released
-- Makes the lines of a release payable on their accounts.
update payouts.accounts as a
set released_minor = a.released_minor + l.amount_minor
from payouts.release_lines as l
where l.release_id = %(release_id)s and a.id = l.account_id

-- name: release_charges
-- Ties the charges that have settled to the release of their fees; they are done with.
with done as (
    delete from payouts.charges_to_release as t
    using collected_charges as c
    where t.charge_id = c.charge_id
)
insert into payouts.charge_releases (charge_id, release_id)
select charge_id, %(release_id)s from collected_charges order by charge_id
