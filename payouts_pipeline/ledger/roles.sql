-- Roles with no more than each has to do, for whoever may make roles and schemas in the ledger's database. Read it, then
--
--     psql -f roles.sql "postgresql://dba@host/ledger"
--     payouts migrate          with a login that is a member of payouts_owner: makes the tables, and runs `grants.sql`
--
-- It may be run again, and for a ledger that is there already. What each role may do is in `grants.sql`, which
-- `payouts migrate` runs after every upgrade. The roles have no login of their own: grant them to the logins that
-- PAYOUTS_DATABASE_URL names.
--
--     grant payouts_owner to deployer;         payouts migrate
--     grant payouts_pipeline to dagster;       Dagster, and the commands of operators
--     grant payouts_worker to settler;         payouts worker, the Lambda function
--     grant payouts_reader to support;         payouts status, explain, verify; dashboards
--
-- Roles are the server's and not the database's. Where it has several ledgers, `revoke connect on database … from public`
-- and grant it to each ledger's own logins.
do $$
declare
    made text;
    owned record;
begin
    foreach made in array array['payouts_owner', 'payouts_pipeline', 'payouts_worker', 'payouts_reader'] loop
        if not exists (select from pg_roles where rolname = made) then
            execute format('create role %I nologin', made);
        end if;
        execute format('grant connect on database %I to %I', current_database(), made);
    end loop;

    -- A run may settle by itself.
    grant payouts_worker to payouts_pipeline;

    -- A booking collects what it is about to write in temporary tables.
    execute format('grant temporary on database %I to payouts_pipeline', current_database());

    -- Who may make roles without being a superuser hands over only to a role that it is a member of.
    if not pg_has_role('payouts_owner', 'usage') then
        grant payouts_owner to current_user;
    end if;

    -- What there is belongs to the owner, also the triggers' functions, which run with its rights.
    if to_regnamespace('payouts') is null then
        create schema payouts authorization payouts_owner;
    end if;
    alter schema payouts owner to payouts_owner;
    for owned in
        select format('alter table %s owner to payouts_owner', oid::regclass) as statement
        from pg_class
        where relnamespace = 'payouts'::regnamespace and relkind in ('r', 'p', 'v')
        union all
        select format('alter routine %s owner to payouts_owner', oid::regprocedure)
        from pg_proc
        where pronamespace = 'payouts'::regnamespace
    loop
        execute owned.statement;
    end loop;

    -- Where schema `league` is in the same database, a run and `payouts explain` read it. A worker never does.
    if to_regnamespace('league') is not null then
        grant usage on schema league to payouts_pipeline, payouts_reader;
        grant select on all tables in schema league to payouts_pipeline, payouts_reader;
    end if;
end
$$;
