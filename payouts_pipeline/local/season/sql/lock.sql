-- Two demos that start at once must not both fill the league; released with the transaction.
select pg_advisory_xact_lock(hashtext('payouts sample season'));
