-- The schema, and the list of the migrations that made it.
create schema if not exists payouts;
create table if not exists payouts.migrations (
    name text primary key,
    applied_at timestamptz not null default now()
);
