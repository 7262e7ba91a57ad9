-- What is booked for a day, added up line by line, in the columns of `domain.frames.LINES`.
select
    match_id, match_player_id, player_id, 'player' as billing_subject, player_id as subject_id, currency,
    sum(amount_minor) as amount_minor
from payouts.fees
where day = %(day)s
group by match_id, match_player_id, player_id, currency
having sum(amount_minor) <> 0
union all
select
    match_id, match_player_id, player_id, billing_subject, subject_id, currency,
    sum(amount_minor) as amount_minor
from payouts.shares
where day = %(day)s
group by match_id, match_player_id, player_id, billing_subject, subject_id, currency
having sum(amount_minor) <> 0
