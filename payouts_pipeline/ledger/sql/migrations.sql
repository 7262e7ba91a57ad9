-- The schema's own history, and what tells one ledger from another.

-- name: act_as_owner
-- What is made belongs to whom the schema belongs, where this login is a member of that role; until the transaction ends.
select set_config('role', pg_get_userbyid(nspowner), true)
from pg_namespace
where nspname = 'payouts' and pg_get_userbyid(nspowner) <> current_user and pg_has_role(nspowner, 'member')

-- name: has_roles
-- Whether `roles.sql` was run in this database.
select exists (
    select from pg_namespace where nspname = 'payouts' and pg_get_userbyid(nspowner) = 'payouts_owner'
)

-- name: schema_to_migrate
-- Whether the schema is there, with nothing in it or with a ledger, and what this login may do, which is named.
select n.oid is not null,
    coalesce((select bool_or(relname = 'migrations') from pg_class where relnamespace = n.oid), true),
    has_schema_privilege(n.oid, 'create') and has_schema_privilege(n.oid, 'usage'),
    has_database_privilege(current_database(), 'create'),
    quote_ident(current_user)
from (values ('payouts')) as wanted (name)
left join pg_namespace as n on n.nspname = wanted.name

-- name: create_schema
-- The schema, where nobody has made it.
create schema payouts

-- name: create_migrations
-- The list of the migrations that made the schema: the text that each had, and whether workers that do not know it go on.
create table if not exists payouts.migrations (
    name text primary key,
    checksum text not null,
    workers_go_on boolean not null,
    applied_at timestamptz not null default now()
);

-- name: applied_migrations
-- The migrations that this database has.
select name, checksum, workers_go_on from payouts.migrations order by name

-- name: record_migration
-- Notes that a migration was applied, in the transaction that applied it.
insert into payouts.migrations (name, checksum, workers_go_on) values (%(name)s, %(checksum)s, %(workers_go_on)s)

-- name: ledger_name
-- Tells this ledger from others: two were not made in the same microsecond.
select current_database() || ' of ' || extract(epoch from min(applied_at)) from payouts.migrations

-- name: identity
-- Who this ledger is, and which account at the provider it is pinned to, in which mode; both empty before its first call.
select id, provider_account, provider_mode, pinned_at from payouts.identity

-- name: pin_identity
-- Pins the ledger to an account at the provider, where it is pinned to none.
select payouts.pin(%(account)s, %(mode)s, %(actor)s, %(reason)s)

-- name: repin_identity
-- Pins the ledger to another account, since a person says so.
with was as (
    select * from payouts.identity
), pinned as (
    update payouts.identity
    set provider_account = %(account)s, provider_mode = %(mode)s, pinned_at = now()
    returning *
)
insert into payouts.identity_events (actor, what, reason, before, after)
select %(actor)s, 'repinned', %(reason)s, to_jsonb(was), to_jsonb(pinned) from was, pinned

-- name: insert_identity_event
-- Notes what a person has said of the ledger, which changes nothing of its identity.
insert into payouts.identity_events (actor, what, reason, before, after)
select %(actor)s, %(what)s, %(reason)s, to_jsonb(i), to_jsonb(i) from payouts.identity as i

-- name: identity_events
-- All that was said of the ledger, in order.
select at, actor, what, reason from payouts.identity_events order by id

-- name: stands_beside
-- Whether a person has said that other ledgers use the same account.
select exists (select from payouts.identity_events where what = 'beside')

-- name: has_sent
-- Whether the ledger has ever made an attempt, so that it can tell its own movements.
select exists (select from payouts.attempts)

-- name: has_open_attempts
-- Whether something may be in progress at the provider.
select exists (select from payouts.attempts where outcome is null)

-- name: ledger_mark
-- Another text where the database was restored, made anew, migrated, or is another server's.
select concat_ws(
    ' ', extract(epoch from pg_postmaster_start_time()), d.oid, 'payouts.attempts'::regclass::oid,
    pg_relation_filenode('payouts.attempts'), (select max(name) from payouts.migrations)
)
from pg_database as d
where d.datname = current_database()

-- name: continue_ledger
-- Takes the id of the ledger that this one is, in a new database.
with was as (
    select * from payouts.identity
), continued as (
    update payouts.identity set id = %(ledger_id)s returning *
)
insert into payouts.identity_events (actor, what, reason, before, after)
select %(actor)s, 'continued', %(reason)s, to_jsonb(was), to_jsonb(continued) from was, continued

-- name: has_instructions
-- Whether the ledger's id is in the name of anything.
select exists (select from payouts.instructions)
