-- The schema's own history, and what tells one ledger from another.

-- name: lock_migrations
-- One migration at a time; until the transaction ends.
select pg_advisory_xact_lock(%(lock)s)

-- name: create_migrations
-- The schema, and the list of the migrations that made it.
create schema if not exists payouts;
create table if not exists payouts.migrations (
    name text primary key,
    applied_at timestamptz not null default now()
);

-- name: applied_migrations
-- The migrations that this database has.
select name from payouts.migrations

-- name: record_migration
-- Notes that a migration was applied, in the transaction that applied it.
insert into payouts.migrations (name) values (%(name)s)

-- name: ledger_name
-- Tells this ledger from others: two were not made in the same microsecond.
select current_database() || ' of ' || extract(epoch from min(applied_at)) from payouts.migrations

-- name: identity
-- Who this ledger is, and which account at the provider it is pinned to, in which mode; both empty before its first call.
select id, provider_account, provider_mode, pinned_at from payouts.identity
