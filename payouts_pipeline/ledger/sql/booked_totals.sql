-- What is booked of a day by currency and billing subject, for the proof that fees = shares.
select currency, 'player' as billing_subject, sum(amount_minor)::bigint as amount_minor
from payouts.fees
where day = %(day)s
group by currency
union all
select currency, billing_subject, sum(amount_minor)::bigint
from payouts.shares
where day = %(day)s
group by currency, billing_subject
order by 1, 2
