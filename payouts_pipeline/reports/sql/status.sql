-- Where the money of a day stands: for the command line, the asset pages and the checks.

-- name: status
-- Where the money of a day is: its instructions, and what no instruction moves yet.
select
    i.billing_type, i.currency, i.status, i.reason_code, i.reason_details,
    count(*) as count, sum(i.amount_minor)::bigint as amount_minor
from payouts.instructions as i
where i.day = %(day)s
group by i.billing_type, i.currency, i.status, i.reason_code, i.reason_details
union all
select 'player_charge', f.currency, 'open',
    case when sum(f.amount_minor) > 0 then 'below_minimum_charge' else 'credit' end, '{}',
    count(*), sum(f.amount_minor)::bigint
from payouts.fees as f
where f.day = %(day)s and f.own_release_id is null and f.charge_id is null
    and (f.day, f.player_id, f.match_player_id, f.match_id, f.currency) not in (
        select day, player_id, match_player_id, match_id, currency from payouts.held_fees
    )
group by f.currency
having sum(f.amount_minor) <> 0
union all
select 'player_charge', h.currency, 'held', 'returned', '{}', count(distinct h.match_player_id), sum(h.amount_minor)::bigint
from payouts.held_fees as h
where h.day = %(day)s
group by h.currency
having sum(h.amount_minor) <> 0
union all
select s.billing_subject || '_payout', s.currency, 'open', 'fee_not_collected', '{}',
    count(*), sum(s.amount_minor)::bigint
from payouts.shares as s
where s.day = %(day)s and s.release_id is null and s.billing_subject <> 'platform'
group by s.billing_subject, s.currency
union all
select l.subject || '_payout', l.currency, case when l.is_held then 'held' else 'open' end,
    case
        when l.is_held then 'returned'
        when sum(l.amount_minor) > 0 then 'below_minimum_payout'
        else 'taken_back'
    end, '{}',
    count(*), sum(l.amount_minor)::bigint
from (
    select a.subject, a.currency, l.amount_minor, l.held_return_id is not null as is_held
    from payouts.release_lines as l
    join payouts.releases as r on r.id = l.release_id
    join payouts.accounts as a on a.id = l.account_id
    where r.day = %(day)s and l.payout_id is null and a.subject <> 'platform'
) as l
group by l.subject, l.currency, l.is_held
having sum(l.amount_minor) <> 0 or not l.is_held
order by 1, 2, 3, 4, 5

-- name: status_held_out
-- How many fees of a day can't be split, by the code of why.
select reason_code, count(*) from payouts.held_out where day = %(day)s group by reason_code order by reason_code

-- name: status_instructions
-- The instructions of a day that are not settled, one by one; what was taken back comes last.
select
    i.id, i.day, a.subject || ':' || a.subject_id as payee, i.billing_type, i.currency, i.amount_minor, i.status,
    i.reason_code, i.reason_details, i.retry_at
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
where i.day = %(day)s and i.status <> 'settled'
order by i.status = 'cancelled', i.billing_type, a.subject_id, i.currency, i.sequence

-- name: status_days
-- The days that the ledger has.
select day from payouts.days order by day

-- name: progress
-- How many instructions of a day there are, and how many of them are settled.
select count(*) filter (where status = 'settled'), count(*) from payouts.instructions where day = %(day)s

-- name: overview_open
-- What of a day has not settled, what needs a person first, then the oldest and the largest.
select
    i.id, i.day, a.subject || ':' || a.subject_id as payee, i.billing_type, i.currency, i.amount_minor, i.status,
    i.reason_code, i.reason_details,
    case when i.status in ('waiting', 'unknown') then i.retry_at end as retry_at
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
where i.day = %(day)s and i.billing_type = any(%(billing_types)s) and i.status not in ('settled', 'cancelled')
order by
    array_position(array['rejected', 'held', 'unknown', 'waiting'], i.status) nulls last,
    i.created_at, i.amount_minor desc, i.id
limit %(limit)s

-- name: overview_flow
-- Each cent of a day's fees: how far its fee is collected, whose it is, and how far it is paid out.
-- `kept` is the platform's, `uncollected` what can't be paid yet; `open` is on no instruction.
with share as (
    select currency, charge_id, release_id, billing_subject, subject_id, amount_minor
    from payouts.shares
    where day = %(day)s
), line as (
    -- Release by release: a day has few, and the table all.
    select l.release_id, l.account_id, l.payout_id
    from (select distinct release_id from share) as r
    cross join lateral (
        select each.* from payouts.release_lines as each where each.release_id = r.release_id offset 0
    ) as l
)
select
    s.currency,
    case when s.release_id is not null then 'settled' else coalesce(c.status, 'open') end as fee_status,
    s.billing_subject as subject,
    case
        when s.release_id is null then 'uncollected'
        when s.billing_subject = 'platform' then 'kept'
        else coalesce(p.status, 'open')
    end as share_status,
    count(*) as count, sum(s.amount_minor)::bigint as amount_minor
from share as s
left join payouts.instructions as c on c.id = s.charge_id
left join payouts.accounts as a
    on a.subject = s.billing_subject and a.subject_id = s.subject_id and a.currency = s.currency
left join line as l on l.release_id = s.release_id and l.account_id = a.id
left join payouts.instructions as p on p.id = l.payout_id
group by 1, 2, 3, 4
order by 1, 2, 3, 4

-- name: overview_days
-- What was asked for on each of some days, and where it stands, for the chart of the last weeks.
select day, currency, status, sum(amount_minor)::bigint as amount_minor
from payouts.instructions
where day between %(first_day)s and %(last_day)s and billing_type = any(%(billing_types)s) and status <> 'cancelled'
group by day, currency, status
order by currency, day, status

-- name: name_instructions
-- Instructions of a day in some statuses, the oldest first, with how many there are in all: what a check names.
select id::text, billing_type, currency, status, reason_code, reason_details, count(*) over () as total
from payouts.instructions
where day = %(day)s and billing_type = any(%(billing_types)s) and status = any(%(statuses)s)
order by created_at, id
limit %(limit)s

-- name: unknown_instructions
-- Instructions of a day whose outcome is not known, the oldest first, and since when.
select i.id::text, i.billing_type, i.currency, i.status, i.reason_code, i.reason_details,
    floor(extract(epoch from now() - a.first_sent_at) / 3600)::int as age_hours
from payouts.instructions as i
join payouts.attempts as a on a.instruction_id = i.id and a.outcome is null
where i.day = %(day)s and i.status = 'unknown'
order by a.first_sent_at, i.id

-- name: overdue_instructions
-- Instructions of any day up to the last of a run that were made long ago and have not come to their end. One query for
-- all days of the run: there are few of them, and finding them takes a look at every instruction that is open.
select day, id::text, billing_type, currency, status, reason_code, reason_details, current_date - created_at::date as age_days
from payouts.instructions
where (status = 'pending' or status in ('published', 'sending', 'unknown') or status in ('held', 'waiting', 'rejected'))
    and day <= %(last_day)s and created_at < now() - %(age)s
order by created_at, id

-- name: fees_by_day
-- The fees of some days by currency, corrections included: what the fees of another day are compared with.
select day, currency, sum(amount_minor)::bigint as amount_minor
from payouts.fees
where day = any(%(days)s)
group by day, currency
having sum(amount_minor) <> 0

-- name: booked_on_another_day
-- The matches of a day that are held out since another day has them, with that day and how many fees wait.
select h.match_id, m.day, count(*)
from payouts.held_out as h
join payouts.booked_matches as m on m.match_id = h.match_id
where h.day = %(day)s and h.reason_code = %(reason_code)s
group by h.match_id, m.day
order by m.day, h.match_id

-- name: booked_totals
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
