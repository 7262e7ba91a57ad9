-- Payees of a day whose payouts exceed their shares of fees that were really collected. A fee is collected when a
-- settled charge covers it or the player's settled charges and credits pay for it; recomputed from the lines.
with of_day as (
    select a.*
    from payouts.accounts as a
    where (a.subject, a.subject_id, a.currency) in (
        select billing_subject, subject_id, currency from payouts.shares where day = %(day)s
    )
), released as (
    select l.account_id, sum(l.amount_minor) as amount_minor
    from payouts.release_lines as l
    where l.account_id in (select id from of_day)
    group by l.account_id
)
select a.id, a.subject, a.currency, a.released_minor, coalesce(r.amount_minor, 0)::bigint as lines_minor
from of_day as a
left join released as r on r.account_id = a.id
where a.released_minor <> coalesce(r.amount_minor, 0)
union all
select i.account_id, i.billing_type, i.currency, i.amount_minor, coalesce(sum(l.amount_minor), 0)::bigint
from payouts.instructions as i
left join payouts.release_lines as l on l.payout_id = i.id
where i.day = %(day)s and i.billing_type <> 'player_charge' and i.status <> 'cancelled'
group by i.id, i.account_id, i.billing_type, i.currency, i.amount_minor
having i.amount_minor <> coalesce(sum(l.amount_minor), 0)
union all
select a.id, a.subject, a.currency, a.settled_minor, sum(f.amount_minor)::bigint
from payouts.accounts as a
join payouts.fees as f on f.player_id = a.subject_id and f.currency = a.currency and f.release_id is not null
where a.subject = 'player'
    and (a.subject_id, a.currency) in (select player_id, currency from payouts.fees where day = %(day)s)
group by a.id, a.subject, a.currency, a.settled_minor
having sum(f.amount_minor) > a.settled_minor
