-- The fees, as each booking changed them, whose shares may be paid from now on (`due`):
-- 1. those that a settled charge of this day covers, whichever day they are of;
-- 2. those of which nothing is left to collect (struck off, lowered, or only divided anew);
-- 3. those that the player's credit pays for, oldest day first. The credit of an account is what was or will be
--    charged beyond the fees that were collected or are covered by a charge.
-- A fee of which a part is covered by a charge that is not settled waits for that charge.
create temporary table due on commit drop as
with uncollected as (
    select f.day, f.match_player_id, f.match_id, f.player_id, f.currency, f.booking_id, f.amount_minor, f.charge_id,
        coalesce(i.status = 'settled' and i.day = %(day)s, false) as is_settled
    from (select distinct player_id, currency from payouts.fees where day = %(day)s) as players
    join payouts.fees as f using (player_id, currency)
    left join payouts.instructions as i on i.id = f.charge_id
    where f.release_id is null
), rest as (
    select day, match_player_id, player_id, currency, sum(amount_minor) as amount_minor
    from uncollected
    where not is_settled
    group by day, match_player_id, player_id, currency
    having count(charge_id) = 0
), taken as (
    select player_id, currency, sum(amount_minor) as amount_minor
    from (
        select player_id, currency, amount_minor from uncollected where is_settled or charge_id is not null
        union all
        select player_id, currency, amount_minor from rest where amount_minor <= 0
    ) as settled_covered_and_struck_off
    group by player_id, currency
), affordable as (
    select r.day, r.match_player_id, r.player_id, r.currency,
        sum(r.amount_minor) over (partition by r.player_id, r.currency order by r.day, r.match_player_id)
        <= a.settled_minor + a.in_flight_minor - a.released_minor - coalesce(t.amount_minor, 0) as is_paid
    from rest as r
    join payouts.accounts as a
        on a.subject = 'player' and a.subject_id = r.player_id and a.currency = r.currency
    left join taken as t on t.player_id = r.player_id and t.currency = r.currency
    where r.amount_minor > 0
), without_charge as (
    select day, match_player_id, player_id, currency from rest where amount_minor <= 0
    union all
    select day, match_player_id, player_id, currency from affordable where is_paid
)
select day, match_player_id, match_id, player_id, currency, booking_id, amount_minor
from uncollected
where is_settled
union all
select u.day, u.match_player_id, u.match_id, u.player_id, u.currency, u.booking_id, u.amount_minor
from uncollected as u
join without_charge using (day, match_player_id, player_id, currency)
where not u.is_settled
