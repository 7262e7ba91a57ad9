-- The days that the ledger has.
select day from payouts.days order by day
