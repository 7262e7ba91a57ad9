-- What is read of schema `league`; nothing there is ever written.

-- name: begin_snapshot
-- Everything that follows in this transaction sees one moment, and can write nothing.
set transaction isolation level repeatable read, read only

-- name: league_fees
-- The fees of one local day, or of some of its matches: a player in the line-up of a match that was played, with the
-- terms of the structure that is in force on the day. Nothing is dropped that has no terms, club or organiser: it is held
-- out later. Match by match, as the day is worked through.
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
order by mp.match_id, mp.id

-- name: league_terms
-- The share rows of every fee structure that has begun by the day, in a fixed order, so that equal terms are equal
-- texts.
select
    s.fee_structure_id,
    json_agg(
        json_build_array(s.billing_subject, s.partner_id, s.fixed_minor, s.share_bps)
        order by s.billing_subject, s.partner_id, s.fixed_minor, s.share_bps
    )::text as shares_json
from league.fee_shares as s
join league.fee_structures as f on f.id = s.fee_structure_id
where f.effective_from <= %(day)s
group by s.fee_structure_id

-- name: league_fingerprints
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

-- name: league_matches_without_line_up
-- Played matches of a local day in whose line-up nobody is: they have no fees, and would not be missed.
select m.id as match_id, m.competition_id
from league.matches as m
where m.status = 'played' and m.kicked_off_at >= %(kicked_off_from)s and m.kicked_off_at < %(kicked_off_before)s
    and not exists (select from league.match_players as mp where mp.match_id = m.id)
order by m.id

-- name: league_stripe_ids
-- Who is whom at Stripe. Empty texts count as missing.
select 'player' as billing_subject, id as subject_id, null as stripe_account_id,
    nullif(stripe_customer_id, '') as stripe_customer_id,
    nullif(stripe_payment_method_id, '') as stripe_payment_method_id
from league.players where id = any(%(player)s)
union all
select 'club', id, nullif(stripe_account_id, ''), null, null from league.clubs where id = any(%(club)s)
union all
select 'organiser', id, nullif(stripe_account_id, ''), null, null
from league.organisers where id = any(%(organiser)s)
union all
select 'partner', id, nullif(stripe_account_id, ''), null, null from league.partners where id = any(%(partner)s)

-- name: explain_league_match
-- A match as `league` has it, with the rows of its line-up.
select
    m.kicked_off_at, m.status,
    coalesce((select array_agg(mp.player_id) from league.match_players as mp where mp.match_id = m.id), '{}') as player_ids
from league.matches as m
where m.id = %(match_id)s

-- name: explain_league_line_ups
-- The rows of line-ups that name a player, each with its match.
select id, match_id from league.match_players where player_id = %(player_id)s and id is not null

-- name: league_currencies
-- The currencies in which competitions have fees.
select distinct upper(btrim(currency)) from league.fee_structures
where currency is not null

-- name: league_columns
-- The tables and views of the schema with their columns, and whether this login may read them.
select c.relname, a.attname,
    has_schema_privilege(n.oid, 'usage') and has_column_privilege(c.oid, a.attnum, 'select') as may_read
from pg_namespace as n
join pg_class as c on c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm', 'f')
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where n.nspname = 'league'
