-- The rows of line-ups that name a player, each with its match.
select id, match_id from league.match_players where player_id = %(player_id)s and id is not null
