-- Tells this ledger from others: two were not made in the same microsecond.
select current_database() || ' of ' || extract(epoch from min(applied_at)) from payouts.migrations
