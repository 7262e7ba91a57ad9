-- A text for each of the days that changes with what decides about its fees: the line-ups of matches that were played,
-- the organiser, the terms in force and their shares. Not with the club that a player is with now: somebody who moves to
-- another club tonight has played last week's matches for the old one all the same. Hashes are added up, so that nothing
-- is sorted and a row that is there twice counts twice. A day without fees has no row.
with played as (
    select d.day, m.id as match_id, m.competition_id
    from league.matches as m
    join unnest(%(days)s::date[], %(kicked_off_from)s::timestamptz[], %(kicked_off_before)s::timestamptz[])
        as d (day, kicked_off_from, kicked_off_before)
        on m.kicked_off_at >= d.kicked_off_from and m.kicked_off_at < d.kicked_off_before
    where m.status = 'played'
        -- Said once for all days, so that an index of kick-offs can be used.
        and m.kicked_off_at >= %(first_kick_off)s and m.kicked_off_at < %(last_kick_off)s
), line_ups as (
    select p.day, p.competition_id, count(*) as fees,
        sum(hashtextextended(row(mp.id, mp.match_id, mp.player_id, mp.club_id)::text, 0)) as line_up
    from played as p
    join league.match_players as mp on mp.match_id = p.match_id
    group by p.day, p.competition_id
), divisions as (
    select fee_structure_id,
        sum(hashtextextended(row(billing_subject, partner_id, fixed_minor, share_bps)::text, 0)) as division
    from league.fee_shares
    group by fee_structure_id
), terms as (
    select l.day, l.competition_id,
        sum(hashtextextended(row(s.currency, s.fee_minor, v.division)::text, 0)) as terms
    from line_ups as l
    join league.fee_structures as s on s.competition_id = l.competition_id
        and s.effective_from = (
            select max(latest.effective_from)
            from league.fee_structures as latest
            where latest.competition_id = l.competition_id and latest.effective_from <= l.day
        )
    left join divisions as v on v.fee_structure_id = s.id
    group by l.day, l.competition_id
)
select l.day,
    sum(hashtextextended(
        row(l.competition_id, c.organiser_id, l.fees, l.line_up, t.terms)::text, 0
    ))::text as fingerprint
from line_ups as l
left join league.competitions as c on c.id = l.competition_id
left join terms as t on t.day = l.day and t.competition_id is not distinct from l.competition_id
group by l.day
