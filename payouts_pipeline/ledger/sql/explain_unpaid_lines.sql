-- What was released on accounts and is in no payout yet, by the day whose run released it.
select r.day, a.currency, sum(l.amount_minor)::bigint as amount_minor
from payouts.release_lines as l
join payouts.releases as r on r.id = l.release_id
join payouts.accounts as a on a.id = l.account_id
where l.account_id = any(%(account_ids)s) and l.payout_id is null
group by r.day, a.currency
order by r.day desc, a.currency
