-- What the sample season asks of the database that it is loaded into.

-- name: lock
-- Two demos that start at once must not both fill the league; released with the transaction.
select pg_advisory_xact_lock(hashtext('payouts sample season'));

-- name: contents
-- What the league holds: is it ours, and which days of the sample season are loaded. Days are yyyymmdd, read off
-- the ids of the matches, so that a kick-off that somebody moved does not count as a missing day.
select
    exists (select from league.organisers) as has_organisers,
    exists (select from league.organisers where id <> all (%(organiser_ids)s))
        or (
            not exists (select from league.organisers)
            and (
                exists (select from league.clubs)
                or exists (select from league.partners)
                or exists (select from league.players)
            )
        ) as is_foreign,
    array(select id from league.fee_structures) as structure_ids,
    min(id) / 100 as first_day_number,
    max(id) / 100 as last_day_number
from league.matches
where competition_id = any (%(competition_ids)s) and id between 1900010100 and 9999123199

-- name: views
-- Views and foreign tables in schema league: an operator put them there over their own data.
select c.relname as name
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'league' and c.relkind in ('v', 'm', 'f')
order by c.relname
