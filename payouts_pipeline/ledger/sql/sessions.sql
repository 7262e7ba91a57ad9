-- What a session needs, whatever its login, its database or what stands in between is set to, and who stands in its way.

-- name: backend
-- The process of the server that runs this statement.
select pg_backend_pid()

-- name: prepare_session
-- Sets what our statements rely on; an older server lacks some of it. No time limit ends what takes its time or waits,
-- but for a lock that somebody keeps. Whose machine lost its power is gone after two minutes, and its locks with it.
set statement_timeout = 0;
set datestyle = iso, ymd;
set session characteristics as transaction isolation level read committed, not deferrable;
select count(set_config(name, value, false))
from (values
    ('lock_timeout', '2min'),
    ('transaction_timeout', '0'),
    ('idle_session_timeout', '0'),
    ('idle_in_transaction_session_timeout', '0'),
    ('tcp_keepalives_idle', '60'),
    ('tcp_keepalives_interval', '10'),
    ('tcp_keepalives_count', '6'),
    ('tcp_user_timeout', '120000'),
    -- A commit that a crash can undo is none: Stripe is asked for money after it.
    ('synchronous_commit', case current_setting('synchronous_commit') when 'off' then 'on' end),
    ('client_encoding', 'UTF8'),
    ('intervalstyle', 'postgres'),
    ('bytea_output', 'hex'),
    ('extra_float_digits', '1'),
    ('standard_conforming_strings', 'on')
) as wanted (name, value)
where value is not null and current_setting(name, true) is not null

-- name: prepare_ledger_session
-- The rest, for the ledger alone: views of a league may be built on the timezone and the path of their login. All that
-- is not the server's or temporary is named with its schema; a path may have those two after others. In large tables
-- much is read of a large day alone: for a small one, other processes would take longer to start than to help.
set timezone = utc;
set parallel_setup_cost = 50000;
select set_config('search_path', concat_ws(',', 'pg_temp', 'pg_catalog', current_setting('search_path')), false)
where current_setting('search_path') ~ 'pg_(catalog|temp)'

-- name: is_read_only
-- Whether nothing can be written.
select current_setting('transaction_read_only') = 'on'

-- name: lock_holder
-- Another session with a lock on tables that are read or written here, in the transaction that is open for longest; one
-- that only reads is in nobody's way but that of a migration. Of others' sessions a login may not see everything.
select l.pid, a.usename, a.application_name, a.state, a.xact_start,
    string_agg(distinct n.nspname || '.' || c.relname, ', ') as relations
from pg_locks as l
join pg_class as c on c.oid = l.relation and c.relkind in ('r', 'p', 'v', 'm')
join pg_namespace as n on n.oid = c.relnamespace and n.nspname in ('payouts', 'league')
left join pg_stat_activity as a on a.pid = l.pid
where l.granted and l.database = (select oid from pg_database where datname = current_database())
    and l.pid is distinct from %(waiting)s
group by l.pid, a.usename, a.application_name, a.state, a.xact_start
order by bool_and(l.mode = 'AccessShareLock'), a.xact_start
limit 1
