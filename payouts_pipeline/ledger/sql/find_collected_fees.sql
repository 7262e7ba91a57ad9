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
select f.day, f.match_player_id, f.match_id, f.player_id, f.currency, f.booking_id, f.amount_minor
from by_account as f
join payouts.accounts as a on a.subject = 'player' and a.subject_id = f.player_id and a.currency = f.currency
where f.is_settled
    or f.has_nothing_left
    or not f.waits_for_charge
    and f.running_minor <= a.settled_minor + a.in_flight_minor - a.released_minor - coalesce(f.taken_minor, 0)
