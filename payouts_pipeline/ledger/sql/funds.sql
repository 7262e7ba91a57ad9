-- Our balance at the provider: which payouts want it, what of it is spoken for, and what is to come.

-- name: wants_funds
-- Whether anything of a day's payouts wants to know what our balance covers: it is ready to be sent for the first time, or
-- waits for that and its time has come.
select exists (
    select from payouts.instructions as i
    where i.day = %(day)s and i.billing_type in ('club_payout', 'organiser_payout', 'partner_payout') and i.status = 'pending'
        and not exists (select from payouts.cancellations as c where c.instruction_id = i.id)
    union all
    select from payouts.instructions as i
    where i.day = %(day)s and i.billing_type in ('club_payout', 'organiser_payout', 'partner_payout') and i.status = 'waiting'
        and i.reason_code = any(%(codes)s) and i.retry_at <= now()
)

-- name: funds_queue
-- The payouts that want our balance: those of a day that are ready to be sent, and of all days those that wait for it or
-- were refused for want of it. Not what is being cancelled, or has been moved already; and not those of currencies in
-- which nothing is sent.
with wanted as (
    select * from payouts.instructions
    where day = %(day)s and billing_type in ('club_payout', 'organiser_payout', 'partner_payout') and status = 'pending'
    union all
    select * from payouts.instructions
    where billing_type in ('club_payout', 'organiser_payout', 'partner_payout') and status = 'waiting' and reason_code = any(%(codes)s)
)
select
    i.id, i.day, i.billing_type, a.subject_id, i.sequence, i.currency, i.amount_minor, i.status, i.reason_code, i.retry_at
from wanted as i
join payouts.accounts as a on a.id = i.account_id
where not exists (select from payouts.cancellations as c where c.instruction_id = i.id)
    and not exists (
        select from payouts.movements as m where m.instruction_id = i.id and m.status in ('succeeded', 'reversed')
    )
    and i.currency not in (select c.currency from payouts.currencies_on_hold as c)

-- name: funds_spoken_for
-- What of our balance payouts and refunds in progress take, by currency: also those of other days that are not published
-- yet, and those of which nobody knows whether they are paid. What a reversal brings is not counted before it is there.
select currency, sum(amount_minor)::bigint
from (
    select currency, amount_minor
    from payouts.instructions
    where billing_type not in ('player_charge', 'payout_reversal') and status in ('published', 'sending', 'unknown')
    union all
    select i.currency, i.amount_minor
    from payouts.instructions as i
    where i.billing_type not in ('player_charge', 'payout_reversal') and i.status = 'pending'
        and (i.day is distinct from %(day)s or i.billing_type = 'charge_refund')
        and not exists (select from payouts.cancellations as c where c.instruction_id = i.id)
) as in_progress
group by currency

-- name: paid_out
-- What was ever paid out, by currency: how much more that is than before says what was paid meanwhile.
select currency, sum(settled_minor)::bigint
from payouts.accounts
where subject in ('club', 'organiser', 'partner')
group by currency

-- name: move_for_funds
-- Has payouts wait for our balance, or no longer, unless somebody else moved them; under the locks of their accounts, so
-- that nobody is put on hold meanwhile. One that goes on waiting gets another time, which is no event of its life.
with move as (
    select *
    from jsonb_to_recordset(%(moves)s::jsonb) as m (
        id uuid, old_status text, status text, reason_code text, retry_at timestamptz
    )
), locked as (
    select i.id
    from payouts.instructions as i
    join move as m on m.id = i.id and m.old_status = i.status
    order by i.id
    for update of i
)
update payouts.instructions as i
set status = m.status, reason_code = m.reason_code, reason_details = '{}', retry_at = m.retry_at, published_at = null,
    status_at = case when m.status = i.status then i.status_at else now() end,
    changed_by = case when m.status = i.status then i.changed_by else %(actor)s end
from locked
join move as m on m.id = locked.id
where i.id = locked.id

-- name: funds_arriving
-- What of our balance is pending: by when it becomes available, as the provider lists it; without a time what is charged
-- and not listed yet.
select t.currency, t.available_on as "on", sum(t.net_minor)::bigint as amount_minor
from payouts.balance_transactions as t
where t.available_on > now() and t.kind <> 'elsewhere'
group by t.currency, t.available_on
union all
select i.currency, null, sum(i.amount_minor)::bigint
from payouts.feeds as f
join payouts.movements_to_see as s on s.settled_at >= f.begins_at
join payouts.instructions as i on i.id = s.instruction_id and i.billing_type = 'player_charge'
where f.name = 'balance_transactions'
group by i.currency
order by 1, 2

-- name: journal_read_within
-- Whether the provider's journal was read so lately, with what stood on our account before it.
select coalesce(max(f.asked_at) > now() - %(span)s, false)
from payouts.feeds as f
join payouts.identity as own on own.provider_account = f.provider_account
where f.name = 'balance_transactions' and f.opened_at is not null
