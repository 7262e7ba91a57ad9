-- Played matches of a local day in whose line-up nobody is: they have no fees, and would not be missed.
select m.id as match_id, m.competition_id
from league.matches as m
where m.status = 'played' and m.kicked_off_at >= %(kicked_off_from)s and m.kicked_off_at < %(kicked_off_before)s
    and not exists (select from league.match_players as mp where mp.match_id = m.id)
order by m.id
