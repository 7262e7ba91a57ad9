-- On which days anything was booked on accounts, and how much in all; as the accounts have it, in their usual direction.
select
    b.day, e.currency,
    sum(case when a.subject = 'player' then e.amount_minor else -e.amount_minor end)::bigint as booked_minor
from payouts.entries as e
join payouts.bookings as b on b.id = e.booking_id
join payouts.accounts as a on a.id = e.account_id
where e.account_id = any(%(account_ids)s)
group by b.day, e.currency
order by b.day desc, e.currency
