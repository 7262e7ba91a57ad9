-- The timezone of the ledger's days: the one that it was first booked in, which is this one where it was not yet.
with first as (
    insert into payouts.calendar (timezone) values (%(timezone)s) on conflict (is_only) do nothing returning timezone
)
select timezone from first
union all
select timezone from payouts.calendar
limit 1
