-- Where the money of a day is: its instructions, and what no instruction moves yet.
select i.billing_type, i.currency, i.status, i.reason, count(*) as count, sum(i.amount_minor)::bigint as amount_minor
from payouts.instructions as i
where i.day = %(day)s
group by i.billing_type, i.currency, i.status, i.reason
union all
select 'player_charge', f.currency, 'open',
    case when sum(f.amount_minor) > 0 then 'under the minimum charge, or waits for a correction to be settled: '
        'goes out with the next charge' else 'a credit: the next charge is lower by it' end,
    count(*), sum(f.amount_minor)::bigint
from payouts.fees as f
where f.day = %(day)s and f.release_id is null and f.charge_id is null
group by f.currency
having sum(f.amount_minor) <> 0
union all
select s.billing_subject || '_payout', s.currency, 'open', 'waits until the fee is collected',
    count(*), sum(s.amount_minor)::bigint
from payouts.shares as s
join payouts.fees as f using (day, match_player_id, match_id, player_id, currency, booking_id)
where s.day = %(day)s and f.release_id is null and s.billing_subject <> 'platform'
group by s.billing_subject, s.currency
union all
select a.subject || '_payout', a.currency, 'open',
    case when sum(l.amount_minor) > 0 then 'under the minimum payout, or a correction is not collected yet: goes out with the next payout'
        else 'a correction took it back: the next payouts are lower by it' end,
    count(*), sum(l.amount_minor)::bigint
from payouts.release_lines as l
join payouts.releases as r on r.id = l.release_id
join payouts.accounts as a on a.id = l.account_id
where r.day = %(day)s and l.payout_id is null and a.subject <> 'platform'
group by a.subject, a.currency
order by 1, 2, 3, 4
