-- From a fee that was collected to shares that may be paid (rule of money 2).

-- name: find_uncollected_fees
-- All that the players of this day have not paid yet, of any day. A table of its own, since a plan for rows that were
-- loaded a moment ago needs statistics.
create temporary table uncollected on commit drop as
select f.day, f.match_player_id, f.match_id, f.player_id, f.currency, f.booking_id, f.amount_minor,
    f.charge_id is not null as has_charge,
    coalesce(i.status = 'settled' and i.day = %(day)s, false) as is_settled
from (select distinct player_id, currency from payouts.fees where day = %(day)s) as players
join payouts.fees as f using (player_id, currency)
left join payouts.instructions as i on i.id = f.charge_id
where f.release_id is null

-- name: count_uncollected_fees
-- Tells the planner what is in the table.
analyze uncollected

-- name: find_collected_fees
-- The fees, as each booking changed them, whose shares may be paid from now on (`due`):
-- 1. those that a settled charge of this day covers, whichever day they are of;
-- 2. those of which nothing is left to collect (struck off, lowered, or only divided anew), as far as the bookings of
--    the fee come, in their order, without anything to collect;
-- 3. those that the player's credit pays for, oldest day first. The credit of an account is what was or will be
--    charged beyond the fees that were collected or are covered by a charge.
-- A fee of which a part is covered by a charge that is not settled waits for that charge.
create temporary table due on commit drop as
with by_booking as (
    select u.*,
        sum(u.amount_minor) filter (where not u.is_settled) over (fee order by u.booking_id) as left_so_far_minor,
        bool_or(u.has_charge and not u.is_settled) over fee as waits_for_charge
    from uncollected as u
    window fee as (partition by u.player_id, u.currency, u.day, u.match_player_id)
), by_fee as (
    select b.*,
        not b.is_settled and not b.waits_for_charge and b.booking_id <= coalesce(
            max(b.booking_id) filter (where not b.is_settled and b.left_so_far_minor <= 0) over (
                partition by b.player_id, b.currency, b.day, b.match_player_id
            ), 0
        ) as has_nothing_left
    from by_booking as b
), by_account as (
    select f.*,
        sum(f.amount_minor) filter (where f.is_settled or f.has_charge or f.has_nothing_left)
        over (partition by f.player_id, f.currency) as taken_minor,
        sum(f.amount_minor) filter (where not f.is_settled and not f.waits_for_charge and not f.has_nothing_left)
        over (partition by f.player_id, f.currency order by f.day, f.match_player_id) as running_minor
    from by_fee as f
)
select f.day, f.match_player_id, f.match_id, f.player_id, f.currency, f.booking_id, f.amount_minor, 1 as part
from by_account as f
join payouts.accounts as a on a.subject = 'player' and a.subject_id = f.player_id and a.currency = f.currency
where f.is_settled
    or f.has_nothing_left
    or not f.waits_for_charge
    and f.running_minor <= a.settled_minor + a.in_flight_minor - a.released_minor - coalesce(f.taken_minor, 0)

-- name: sums_due
-- At most so much is released to one account.
select currency, coalesce(sum(amount_minor) filter (where amount_minor > 0), 0)::bigint from due group by currency

-- name: number_due
-- Gives each of the fees a number, to tell them apart.
alter table due add column number bigint generated always as identity

-- name: large_shares_due
-- What would be released to accounts that would get more than one payout can pay, fee by fee.
with share as (
    select d.number, d.day, d.match_player_id, d.booking_id, d.amount_minor as fee_minor,
        a.id as account_id, a.currency, s.amount_minor,
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

-- name: mark_fees_released
-- Ties the fees in `due` to their release, and counts them as collected on the players' accounts.
with marked as (
    update payouts.fees as f
    set release_id = %(release_id)s
    from due as d
    where d.part = %(part)s and f.day = d.day and f.match_player_id = d.match_player_id and f.match_id = d.match_id
        and f.player_id = d.player_id and f.currency = d.currency and f.booking_id = d.booking_id
), sums as (
    select player_id, currency, sum(amount_minor) as amount_minor
    from due
    where part = %(part)s
    group by player_id, currency
)
update payouts.accounts as a
set released_minor = a.released_minor + s.amount_minor
from sums as s
where a.subject = 'player' and a.subject_id = s.player_id and a.currency = s.currency and s.amount_minor <> 0

-- name: insert_release_lines
-- What a release makes payable on each account.
insert into payouts.release_lines (release_id, account_id, amount_minor)
select %(release_id)s, a.id, sum(s.amount_minor)
from due as d
join payouts.shares as s using (day, match_player_id, match_id, player_id, currency, booking_id)
join payouts.accounts as a
    on a.subject = s.billing_subject and a.subject_id = s.subject_id and a.currency = s.currency
where d.part = %(part)s
group by a.id
having sum(s.amount_minor) <> 0

-- name: add_released
-- Makes the lines of a release payable on their accounts.
update payouts.accounts as a
set released_minor = a.released_minor + l.amount_minor
from payouts.release_lines as l
where l.release_id = %(release_id)s and a.id = l.account_id
