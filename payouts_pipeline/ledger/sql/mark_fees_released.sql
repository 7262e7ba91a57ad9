-- Ties the fees in `due` to their release, and counts them as collected on the players' accounts.
with marked as (
    update payouts.fees as f
    set release_id = %(release_id)s
    from due as d
    where f.day = d.day and f.match_player_id = d.match_player_id and f.match_id = d.match_id
        and f.player_id = d.player_id and f.currency = d.currency and f.booking_id = d.booking_id
), sums as (
    select player_id, currency, sum(amount_minor) as amount_minor from due group by player_id, currency
)
update payouts.accounts as a
set released_minor = a.released_minor + s.amount_minor
from sums as s
where a.subject = 'player' and a.subject_id = s.player_id and a.currency = s.currency and s.amount_minor <> 0
