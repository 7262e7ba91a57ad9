-- What was asked for on each of some days, and where it stands, for the picture of the last weeks.
select day, currency, status, sum(amount_minor)::bigint as amount_minor
from payouts.instructions
where day between %(first_day)s and %(last_day)s and billing_type = any(%(billing_types)s) and status <> 'cancelled'
group by day, currency, status
order by currency, day, status
