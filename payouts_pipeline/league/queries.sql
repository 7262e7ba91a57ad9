-- What is read of schema `league`; nothing there is ever written. Its words (a status, a currency, a subject) are read
-- in any case and with blanks around them, by the same expression everywhere; what is no word of the contract after that
-- stays what it is, and counts as nothing. The plain comparison beside it is for the planner, which has figures for it.

-- name: begin_snapshot
-- Everything that follows in this transaction sees one moment, and can write nothing.
set transaction isolation level repeatable read, read only

-- name: league_fees
-- The fees of one local day, or of some of its matches: a player in the line-up of a match that was played, with the
-- terms of the structure that is in force on the day. Nothing is dropped that has no terms, club or organiser: it is held
-- out later. Whoever is there twice (a player, a competition) has fees that stand twice, which is noticed. Terms whose id
-- is not theirs alone count as two. Match by match, as the day is worked through.
with terms as (
    select
        s.competition_id,
        greatest(count(*), max(s.rows_of_id)) as terms_count,
        min(s.id) as fee_structure_id,
        min(s.effective_from) as effective_from,
        min(upper(btrim(s.currency::text, E' \t\r\n') collate "C")) as currency,
        min(s.fee_minor) as fee_minor
    from (
        select id, competition_id, effective_from, currency, fee_minor, count(id) over (partition by id) as rows_of_id,
            max(effective_from) filter (where effective_from <= %(day)s) over (partition by competition_id) as latest
        from league.fee_structures
    ) as s
    -- Not as an equation, of which a planner takes it that one row fulfils it: then it looks at all terms for each fee.
    where s.effective_from >= s.latest and s.effective_from <= %(day)s
    group by s.competition_id
)
select
    mp.id as match_player_id,
    mp.match_id,
    m.competition_id,
    c.organiser_id,
    mp.player_id,
    coalesce(mp.club_id, p.club_id) as club_id,
    mp.club_id is not null as club_is_named,
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
where (m.status::text = 'played' or lower(btrim(m.status::text, E' \t\r\n') collate "C") = 'played')
    and m.kicked_off_at >= %(kicked_off_from)s and m.kicked_off_at < %(kicked_off_before)s
    and (%(match_ids)s::bigint[] is null or m.id = any(%(match_ids)s))
order by mp.match_id, mp.id

-- name: league_matches_twice
-- The matches of those fees that are there more than once, with whatever status and kick-off: each row by itself would be
-- charged on a day of its own.
select m.id
from league.matches as m
where m.id in (
    select d.id
    from league.matches as d
    where (d.status::text = 'played' or lower(btrim(d.status::text, E' \t\r\n') collate "C") = 'played')
        and d.kicked_off_at >= %(kicked_off_from)s and d.kicked_off_at < %(kicked_off_before)s
        and (%(match_ids)s::bigint[] is null or d.id = any(%(match_ids)s))
)
group by m.id
having count(*) > 1

-- name: league_terms
-- The share rows of every fee structure that has begun by the day, each once, in a fixed order, so that equal terms are
-- equal texts.
select
    s.fee_structure_id,
    json_agg(
        json_build_array(s.subject, s.partner_id, s.fixed_minor, s.share_bps)
        order by s.subject, s.partner_id, s.fixed_minor, s.share_bps
    )::text as shares_json
from (
    select fee_structure_id, partner_id, fixed_minor, share_bps,
        lower(btrim(billing_subject::text, E' \t\r\n') collate "C") as subject
    from league.fee_shares
) as s
where s.fee_structure_id in (select f.id from league.fee_structures as f where f.effective_from <= %(day)s)
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
    where (m.status::text = 'played' or lower(btrim(m.status::text, E' \t\r\n') collate "C") = 'played')
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
where (m.status::text = 'played' or lower(btrim(m.status::text, E' \t\r\n') collate "C") = 'played')
    and m.kicked_off_at >= %(kicked_off_from)s and m.kicked_off_at < %(kicked_off_before)s
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
-- A match as `league` has it, with the rows of its line-up; its status as it is read.
select
    m.kicked_off_at, lower(btrim(m.status::text, E' \t\r\n') collate "C"),
    coalesce((select array_agg(mp.player_id) from league.match_players as mp where mp.match_id = m.id), '{}') as player_ids
from league.matches as m
where m.id = %(match_id)s

-- name: explain_league_line_ups
-- The rows of line-ups that name a player, each with its match.
select id, match_id from league.match_players where player_id = %(player_id)s and id is not null

-- name: league_currencies
-- The currencies in which competitions have fees.
select distinct upper(btrim(currency::text, E' \t\r\n') collate "C") from league.fee_structures
where currency is not null

-- name: in_timezone
-- Has the rest of the transaction be in another timezone.
select set_config('timezone', %(timezone)s, true)

-- name: league_kick_offs
-- Some kick-offs, as seconds that no timezone changes.
select id, extract(epoch from kicked_off_at)::bigint from league.matches where kicked_off_at is not null
order by id limit 100

-- name: league_columns
-- The tables and views of the schema with their columns, whether this login may read them, and their types: name and
-- category, of a domain those of what it is made of, and as people write it.
select c.relname, a.attname,
    has_schema_privilege(n.oid, 'usage') and has_column_privilege(c.oid, a.attnum, 'select') as may_read,
    t.typname, t.typcategory, format_type(a.atttypid, a.atttypmod) as shown
from pg_catalog.pg_namespace as n
join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm', 'f')
join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_catalog.pg_type as declared on declared.oid = a.atttypid
join pg_catalog.pg_type as t on t.oid = coalesce(nullif(declared.typbasetype, 0), declared.oid)
where n.nspname = 'league'

-- name: league_words
-- The words of the matches that kicked off in a period, and of the terms of their competitions: all, or those in force on
-- a day. As they are written and as they are read, how often, of how many matches the kick-off is long ago, and the first
-- ids (of the match or of the fee structure). A match that was played and has no kick-off is of no day, and of any period.
with of_period as (
    select m.id, m.competition_id, m.kicked_off_at, m.status::text as written,
        lower(btrim(m.status::text, E' \t\r\n') collate "C") as read
    from league.matches as m
    where m.kicked_off_at >= %(kicked_off_from)s::timestamptz and m.kicked_off_at < %(kicked_off_before)s::timestamptz
), terms as (
    select s.id, s.currency::text as written, upper(btrim(s.currency::text, E' \t\r\n') collate "C") as read
    from league.fee_structures as s
    where s.competition_id in (select competition_id from of_period)
        and (
            %(day)s::date is null
            or s.effective_from = (
                select max(latest.effective_from)
                from league.fee_structures as latest
                where latest.competition_id = s.competition_id and latest.effective_from <= %(day)s::date
            )
        )
), words as (
    select 'matches.status' as place, id, written, read, kicked_off_at < %(long_ago)s as is_long_ago
    from of_period
    union all
    select 'matches.kicked_off_at', m.id, null, null, false
    from league.matches as m
    where m.kicked_off_at is null
        and (m.status::text = 'played' or lower(btrim(m.status::text, E' \t\r\n') collate "C") = 'played')
    union all
    select 'fee_structures.currency', id, written, read, false from terms
    union all
    select distinct 'fee_shares.billing_subject', s.fee_structure_id, s.billing_subject::text,
        lower(btrim(s.billing_subject::text, E' \t\r\n') collate "C"), false
    from league.fee_shares as s
    where s.fee_structure_id in (select id from terms)
)
select place, written, read, count(*) as rows, count(*) filter (where is_long_ago) as long_ago,
    coalesce((array_agg(id order by id) filter (where id is not null))[1:10], '{}') as ids
from words
group by place, written, read
order by place, count(*) desc, written
limit 100

-- name: league_ids_twice
-- Which ids stand more than once: of the small tables, of the matches that kicked off in a period, and of these players,
-- or of all. The first ones of each table, and how many there are.
with twice as (
    select 'organisers.id' as place, id from league.organisers group by id having count(*) > 1
    union all
    select 'clubs.id', id from league.clubs group by id having count(*) > 1
    union all
    select 'partners.id', id from league.partners group by id having count(*) > 1
    union all
    select 'competitions.id', id from league.competitions group by id having count(*) > 1
    union all
    select 'fee_structures.id', id from league.fee_structures group by id having count(*) > 1
    union all
    select 'matches.id', m.id
    from league.matches as m
    where m.id in (
        select d.id
        from league.matches as d
        where d.kicked_off_at >= %(kicked_off_from)s::timestamptz
            and d.kicked_off_at < %(kicked_off_before)s::timestamptz
    )
    group by m.id
    having count(*) > 1
    union all
    select 'players.id', id
    from league.players
    where %(player_ids)s::bigint[] is null or id = any(%(player_ids)s::bigint[])
    group by id
    having count(*) > 1
)
select place, count(*) as keys, (array_agg(id::text order by id))[1:10] as first_keys
from twice
where id is not null
group by place
order by place

-- name: league_keys_twice
-- Which keys of two columns, and which rows of line-ups, stand more than once in the whole schema: the first ones, and
-- how many there are.
with twice as (
    select 'fee_structures.(competition_id,effective_from)' as place, competition_id as first_id,
        competition_id || ' ' || effective_from as key
    from league.fee_structures
    where effective_from is not null
    group by competition_id, effective_from
    having count(*) > 1
    union all
    select 'match_players.(match_id,player_id)', match_id, match_id || ' ' || player_id
    from league.match_players
    where player_id is not null
    group by match_id, player_id
    having count(*) > 1
    union all
    select 'match_players.id', id, id::text from league.match_players group by id having count(*) > 1
)
select place, count(*) as keys, (array_agg(key order by first_id, key))[1:10] as first_keys
from twice
where key is not null
group by place
order by place
