-- What `payouts doctor` asks of databases; nothing here writes.

-- name: look_only
-- Has the database refuse whatever would write, in this session.
set default_transaction_read_only = on

-- name: server
-- The server: its version, whether it may be written to, and its clock.
select
    current_setting('server_version_num')::int as version_number,
    current_setting('server_version') as version,
    current_setting('server_encoding') as encoding,
    pg_is_in_recovery() as is_standby,
    (select reset_val = 'on' from pg_settings where name = 'default_transaction_read_only') as is_read_only,
    clock_timestamp() as now

-- name: not_allowed
-- What this login may not do that a night does: by table of the ledger; a row without one is for temporary tables. Some
-- are filled by the database alone.
select c.relname
from pg_class as c
where c.relnamespace = 'payouts'::regnamespace and c.relkind in ('r', 'p')
    and not (
        has_table_privilege(c.oid, 'select')
        and (
            c.relname in (
                'migrations', 'transitions', 'events', 'allocation_lines', 'charges_to_release', 'identity', 'rate_limit',
                'transactions_to_enter', 'movements_to_see', 'payee_accounts', 'booked_matches'
            )
            or has_any_column_privilege(c.oid, 'insert')
        )
        and (
            c.relname not in (
                'days', 'accounts', 'instructions', 'attempts', 'fees', 'release_lines', 'rate_limit', 'cancellations',
                'feeds'
            )
            or has_any_column_privilege(c.oid, 'update')
        )
    )
union all
select null where not has_database_privilege(current_database(), 'temporary')
order by 1

-- name: rights_of_login
-- Whether this login is a superuser, and whether it has the rights of who owns the ledger's tables; and the first of the
-- ledger's roles that it has, where they are in use here.
select
    (select rolsuper from pg_roles where rolname = current_user),
    pg_has_role(c.relowner, 'usage'),
    (
        select r.rolname
        from unnest(array['payouts_pipeline', 'payouts_worker']) with ordinality as ours (name, number)
        join pg_roles as r on r.rolname = ours.name
        where pg_get_userbyid(c.relowner) = 'payouts_owner' and pg_has_role(r.oid, 'usage')
        order by ours.number
        limit 1
    )
from pg_class as c
where c.oid = 'payouts.instructions'::regclass

-- name: rights_beyond_role
-- What this login may do in the ledger's tables, or with some of their columns, and a role may not.
select distinct privilege, relname
from (
    select p.privilege, c.relname, has_column_privilege(c.oid, a.attnum, p.privilege) as is_own,
        has_column_privilege(%(role)s, c.oid, a.attnum, p.privilege) as is_of_role
    from pg_class as c
    join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    cross join (values ('select'), ('insert'), ('update')) as p (privilege)
    where c.relnamespace = 'payouts'::regnamespace and c.relkind in ('r', 'p', 'v')
    union all
    select p.privilege, c.relname, has_table_privilege(c.oid, p.privilege),
        has_table_privilege(%(role)s, c.oid, p.privilege)
    from pg_class as c
    cross join (values ('delete'), ('truncate'), ('trigger')) as p (privilege)
    where c.relnamespace = 'payouts'::regnamespace and c.relkind in ('r', 'p', 'v')
) as each
where is_own and not is_of_role
order by privilege, relname

-- name: timezone_of_ledger
-- The timezone that the ledger's days are booked in; no row before the first.
select timezone from payouts.calendar

-- name: dagster_storage
-- Whether Dagster has made its tables, and whether this login could.
select to_regclass('runs') is not null, coalesce(has_schema_privilege(current_schema(), 'create'), false)

-- name: in_dagsters_way
-- What a login or its database is set to that ends or refuses what Dagster does; our own sessions set what they need.
select name, reset_val || coalesce(' ' || unit, '')
from pg_settings
where name = 'default_transaction_read_only' and reset_val = 'on'
    or name = 'default_transaction_isolation' and reset_val not like '%committed'
    or name in (
        'statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_session_timeout',
        'idle_in_transaction_session_timeout'
    ) and reset_val::bigint between 1 and 59999
order by name

-- name: stuck
-- All instructions that are not settled or in progress, by why: for who counts those that wait for a person.
select billing_type, currency, status, reason_code, reason_details, count(*) as count,
    sum(amount_minor)::bigint as amount_minor
from payouts.instructions
where status in ('held', 'waiting', 'rejected', 'unknown')
group by billing_type, currency, status, reason_code, reason_details

-- name: long_unknown
-- How many attempts have been without an outcome for long, and since when the first of them.
select count(*), min(first_sent_at)
from payouts.attempts
where outcome is null and first_sent_at < now() - %(older_than)s

-- name: owed_to_payees
-- What may be paid out and is not yet, by currency: what the balance at Stripe has to be there for.
select currency, sum(released_minor - settled_minor)::bigint
from payouts.accounts
where subject in ('club', 'organiser', 'partner') and released_minor > settled_minor
group by currency
order by currency
