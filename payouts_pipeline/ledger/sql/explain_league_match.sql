-- A match as `league` has it, with the rows of its line-up.
select
    m.kicked_off_at, m.status,
    coalesce((select array_agg(mp.id) from league.match_players as mp where mp.match_id = m.id), '{}') as match_player_ids
from league.matches as m
where m.id = %(match_id)s
