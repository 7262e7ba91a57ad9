-- The fees of one local day, or of some of its matches: a player in the line-up of a match that was played, with the
-- terms of the structure that is in force on the day. Nothing is dropped that has no terms, club or organiser: it is held
-- out later.
with terms as (
    select
        s.competition_id,
        count(*) as terms_count,
        min(s.id) as fee_structure_id,
        min(s.effective_from) as effective_from,
        min(s.currency) as currency,
        min(s.fee_minor) as fee_minor
    from league.fee_structures as s
    where s.effective_from = (
        select max(latest.effective_from)
        from league.fee_structures as latest
        where latest.competition_id = s.competition_id and latest.effective_from <= %(day)s
    )
    group by s.competition_id
)
select
    mp.id as match_player_id,
    mp.match_id,
    m.competition_id,
    c.organiser_id,
    mp.player_id,
    coalesce(mp.club_id, p.club_id) as club_id,
    t.fee_structure_id,
    t.effective_from,
    coalesce(t.terms_count, 0) as terms_count,
    t.currency,
    t.fee_minor
from league.matches as m
join league.match_players as mp on mp.match_id = m.id
left join league.competitions as c on c.id = m.competition_id
left join league.players as p on p.id = mp.player_id
left join terms as t on t.competition_id = m.competition_id
where m.status = 'played' and m.kicked_off_at >= %(kicked_off_from)s and m.kicked_off_at < %(kicked_off_before)s
    and (%(match_ids)s::bigint[] is null or m.id = any(%(match_ids)s))
order by mp.id
