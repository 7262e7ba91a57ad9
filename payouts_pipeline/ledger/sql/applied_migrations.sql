-- The migrations that this database has.
select name from payouts.migrations
