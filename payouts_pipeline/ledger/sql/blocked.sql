-- Instructions that are blocked (held, waiting, rejected): what can resume them, and the days that would move.

-- name: blocked_instructions
-- Instructions of a day, or of all days, that wait for time, for data or for a person, with the Stripe ids that they were last tried
-- with, the hold on their payee, the limit that they exceed, and the accounts to which a person has approved them.
select
    i.day, i.id, i.billing_type, a.subject as billing_subject, a.subject_id, i.status, i.reason_code, i.reason_details,
    -- What was held while it waited still waits for its time when the hold is gone. What waits for our balance goes on
    -- when that covers it (`funds_queue`), or is held where nothing is sent in its currency.
    coalesce(i.retry_at <= now(), i.status = 'held')
        and not (
            i.status = 'waiting' and i.reason_code = any(%(waits_for_funds)s)
            and i.currency not in (select c.currency from payouts.currencies_on_hold as c)
        ) as is_due,
    case when h.subject is not null then jsonb_build_object('reason', h.reason) end as hold_details,
    case
        when i.billing_type in ('player_charge', 'charge_refund') or i.currency not in (select c.currency from payouts.currencies_on_hold as c)
            then true
    end as is_balanced,
    i.amount_minor, i.approval_above_minor,
    (select string_agg(p.payee_id, ' ') from payouts.approvals as p where p.instruction_id = i.id) as approved_for,
    i.stripe_account_id as known_account_id,
    i.stripe_customer_id as known_customer_id,
    i.stripe_payment_method_id as known_payment_method_id
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
left join payouts.held_payees as h on h.subject = a.subject and h.subject_id = a.subject_id
where i.day = coalesce(%(day)s::date, i.day) and i.status in ('held', 'waiting', 'rejected')

-- name: create_resuming
-- Where instructions are collected that continue, or are held from now on or for another reason, with the status that
-- they had and the Stripe ids of now.
create temporary table resuming (
    id uuid, old_status text, status text, reason_code text, reason_details jsonb,
    stripe_account_id text, stripe_customer_id text, stripe_payment_method_id text
) on commit drop

-- name: lock_resuming
-- Locks the accounts of the instructions in `resuming`, players' by id and then payees' by id as every transaction does,
-- and before any instruction: whoever places a hold does the same, so that none slips through between the two.
select a.id
from payouts.accounts as a
where a.id in (select i.account_id from payouts.instructions as i join resuming as t on t.id = i.id)
order by a.subject <> 'player', a.id
for no key update

-- name: resume
-- Moves the instructions in `resuming` to pending or held, unless somebody else moved them in the meantime, or put
-- the payee of one that would continue on hold.
with locked as (
    select i.id
    from payouts.instructions as i
    join resuming as t on t.id = i.id and t.old_status = i.status
    join payouts.accounts as a on a.id = i.account_id
    where t.status = 'held'
        or not exists (
            select from payouts.held_payees as h where h.subject = a.subject and h.subject_id = a.subject_id
        )
    order by i.id
    for update of i
)
update payouts.instructions as i
set status = t.status, status_at = now(), reason_code = t.reason_code, reason_details = t.reason_details,
    changed_by = %(actor)s,
    -- What asks for an approval would go on but for that: it has no time to wait for any more.
    retry_at = case when t.status = 'held' and t.reason_code not in ('approval_required', 'day_approval_required') then i.retry_at end,
    published_at = null,
    stripe_account_id = t.stripe_account_id, stripe_customer_id = t.stripe_customer_id,
    stripe_payment_method_id = t.stripe_payment_method_id
from locked
join resuming as t on t.id = locked.id
where i.id = locked.id

-- name: days_due
-- Days that materialising would move forward: what waits has its time, an unknown outcome is to be asked for, a
-- message or a worker is lost, a payee can receive by now, or a charge has settled, or an instruction was cancelled, after its run had ended; or a
-- person has accepted a change. With a text that changes when what is due changes.
with due as (
    select i.day, i.id, i.status, i.retry_at
    from payouts.instructions as i
    -- A line for each status, so that each finds its index.
    where i.status = 'waiting' and i.retry_at <= now()
        or i.status = 'rejected' and i.retry_at <= now()
        or i.status = 'unknown' and i.retry_at <= now()
        or i.status = 'pending' and (i.status_at < now() - %(lost_after)s or i.reason_code = 'can_receive')
        or i.status = 'published' and i.status_at < now() - %(lost_after)s
        or i.status = 'sending' and i.leased_until < now()
    union all
    select t.day, t.charge_id, 'settled', t.settled_at
    from payouts.charges_to_release as t
    where t.settled_at < now() - %(lost_after)s
    union all
    select c.day, i.id, i.status, i.status_at
    from payouts.cancellations as c
    join payouts.instructions as i on i.id = c.instruction_id
    where c.followed_up_at is null and i.status in ('cancelled', 'settled') and i.status_at < now() - %(lost_after)s
    union all
    -- Taken back, and to be asked for or paid again since a person has said so.
    select f.day, r.instruction_id, 'lifted', r.lifted_at
    from payouts.returns as r
    join payouts.instructions as i on i.id = r.instruction_id
    join payouts.accounts as a on a.id = i.account_id and a.subject = 'player'
    join payouts.bookings as b on b.return_id = r.transaction_id
    join payouts.fees as f on f.day = b.day and f.player_id = a.subject_id and f.booking_id = b.id
    where r.lifted_at is not null and f.charge_id is null and f.own_release_id is null and f.held_return_id is null
    union all
    select e.day, r.instruction_id, 'lifted', r.lifted_at
    from payouts.returns as r
    join payouts.releases as e on e.return_id = r.transaction_id
    join payouts.release_lines as l on l.release_id = e.id
    join payouts.accounts as a on a.id = l.account_id and a.subject <> 'platform'
    where r.lifted_at is not null and l.payout_id is null and l.held_return_id is null and l.amount_minor > 0
    union all
    -- A credit that was taken back: no fee stands for it.
    select i.day, r.instruction_id, 'lifted', r.lifted_at
    from payouts.returns as r
    join payouts.instructions as i on i.id = r.instruction_id
    join payouts.accounts as a on a.id = i.account_id
    where r.lifted_at is not null and r.beyond_minor > 0 and a.booked_minor > a.in_flight_minor + a.settled_minor
    union all
    select p.day, md5(p.id::text)::uuid, 'accepted', a.at
    from payouts.proposals as p
    join payouts.acceptances as a on a.proposal_id = p.id
    where p.closed_at is null
)
select day, md5(string_agg(distinct id::text || status || retry_at::text, ' ')) as fingerprint
from due
group by day
order by day
