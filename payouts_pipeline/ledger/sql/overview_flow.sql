-- Each cent of a day's fees: how far its fee is collected, whose it is, and how far it is paid out.
-- `kept` is the platform's, `uncollected` what can't be paid yet; `open` is on no instruction.
select
    s.currency,
    case when f.release_id is not null then 'settled' else coalesce(c.status, 'open') end as fee_status,
    s.billing_subject as subject,
    case
        when f.release_id is null then 'uncollected'
        when s.billing_subject = 'platform' then 'kept'
        else coalesce(p.status, 'open')
    end as share_status,
    count(*) as count, sum(s.amount_minor)::bigint as amount_minor
from payouts.shares as s
join payouts.fees as f using (day, match_player_id, match_id, player_id, currency, booking_id)
left join payouts.instructions as c on c.id = f.charge_id
left join payouts.accounts as a
    on a.subject = s.billing_subject and a.subject_id = s.subject_id and a.currency = s.currency
left join payouts.release_lines as l on l.release_id = f.release_id and l.account_id = a.id
left join payouts.instructions as p on p.id = l.payout_id
where s.day = %(day)s
group by 1, 2, 3, 4
order by 1, 2, 3, 4
