-- Fees that can't be split: of a match, or of rows of a line-up (the other one is null); of a day, or of all.
select day, match_id, match_player_id, reason
from payouts.held_out
where day = coalesce(%(day)s, day)
    and (match_id = %(match_id)s or match_player_id = any(%(match_player_ids)s))
order by day desc, match_id, match_player_id, reason
