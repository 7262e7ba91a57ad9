-- What a person holds back or approves, and why instructions are held.

-- name: held_payees
-- Who is on hold, with the details that the reason of an instruction has then.
select subject as billing_subject, subject_id, jsonb_build_object('reason', reason) as hold_details
from payouts.held_payees

-- name: lock_holds
-- One person at a time places or releases holds; reading them waits for nobody.
lock table payouts.holds in share row exclusive mode

-- name: hold_of_payee
-- Why a payee is on hold; no row where it is not.
select reason from payouts.held_payees where subject = %(subject)s and subject_id = %(subject_id)s

-- name: insert_hold
-- Places a hold on a payee, or lifts it.
insert into payouts.holds (subject, subject_id, is_hold, actor, reason)
values (%(subject)s, %(subject_id)s, %(is_hold)s, %(actor)s, %(reason)s)

-- name: hold_instructions
-- Holds back what is not in progress of a payee, each with the status that it had. What waits for its time keeps it.
with locked as (
    select i.id, h.reason
    from payouts.instructions as i
    join payouts.accounts as a on a.id = i.account_id
    join payouts.held_payees as h on h.subject = a.subject and h.subject_id = a.subject_id
    where a.subject = %(subject)s and a.subject_id = %(subject_id)s and i.status = any(%(cancellable)s)
        and not exists (select from payouts.cancellations as c where c.instruction_id = i.id)
    order by i.id
    for update of i
)
update payouts.instructions as i
set status = 'held', status_at = now(), changed_by = %(actor)s,
    reason_code = 'on_hold', reason_details = jsonb_build_object('reason', locked.reason)
from locked
where i.id = locked.id
returning i.id

-- name: in_progress_of_payee
-- What of a payee can't be held back any more, since it may be at the provider.
select i.id
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
where a.subject = %(subject)s and a.subject_id = %(subject_id)s and i.status in ('sending', 'unknown')
order by i.id

-- name: held_instructions
-- The held instructions of one payee, or one of them, with all that may hold them; the Stripe ids are those that
-- they were made or last tried with.
select
    i.id, i.billing_type, a.subject as billing_subject, a.subject_id, i.amount_minor,
    case when h.subject is not null then jsonb_build_object('reason', h.reason) end as hold_details,
    case
        when i.billing_type in ('player_charge', 'charge_refund') or i.currency not in (select c.currency from payouts.currencies_on_hold as c)
            then true
    end as is_balanced,
    case when p.instruction_id is null then i.approval_above_minor end as approval_above_minor,
    i.stripe_account_id, i.stripe_customer_id
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
left join payouts.held_payees as h on h.subject = a.subject and h.subject_id = a.subject_id
left join payouts.approved_instructions as p on p.instruction_id = i.id
where a.subject = %(subject)s and a.subject_id = %(subject_id)s and i.status = 'held'
    and i.id = coalesce(%(instruction_id)s, i.id)

-- name: held_amounts
-- The held instructions of one payee: by currency and billing type how many, and for how much.
select i.billing_type, i.currency, count(*), sum(i.amount_minor)::bigint
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
where a.subject = %(subject)s and a.subject_id = %(subject_id)s and i.status = 'held'
group by i.billing_type, i.currency
order by i.billing_type, i.currency

-- name: set_held_reasons
-- Says anew why instructions are held, after a person has done something about it.
with locked as (
    select i.id, n.code, n.details
    from unnest(%(ids)s::uuid[], %(codes)s::text[], %(details)s::text[]) as n (id, code, details)
    join payouts.instructions as i on i.id = n.id and i.status = 'held'
    order by i.id
    for update of i
)
update payouts.instructions as i
set status_at = now(), changed_by = %(actor)s,
    reason_code = locked.code, reason_details = locked.details::jsonb
from locked
where i.id = locked.id

-- name: list_holds
-- Who is on hold, since when, and why.
select subject || ':' || subject_id, at, actor, reason from payouts.held_payees order by at

-- name: has_account
-- Whether the ledger knows a payee.
select exists (select from payouts.accounts where subject = %(subject)s and subject_id = %(subject_id)s)

-- name: insert_approval
-- Lets an instruction above the limit go, to the account that it has now; once.
insert into payouts.approvals (instruction_id, payee_id, actor, reason)
select id, coalesce(stripe_account_id, stripe_customer_id, ''), %(actor)s, %(reason)s
from payouts.instructions
where id = %(id)s
on conflict (instruction_id, payee_id) do nothing

-- name: wanted_approval_of_day
-- How many payouts of a day wait for an approval of the day.
select count(*)
from payouts.instructions as i
where i.day = %(day)s and i.status = 'held' and i.approval_above_minor >= i.amount_minor
    and i.stripe_account_id is not null
    and not exists (select from payouts.approved_instructions as p where p.instruction_id = i.id)

-- name: approve_day
-- Approves the payouts of a day that wait for an approval of the day, each to the account that it has now, but those
-- with which the person has something to do.
with waiting as (
    select i.id, i.currency, i.amount_minor, i.reason_code, i.stripe_account_id as payee_id
    from payouts.instructions as i
    where i.day = %(day)s and i.status = 'held' and i.approval_above_minor >= i.amount_minor
        and i.stripe_account_id is not null
        and not exists (select from payouts.approved_instructions as p where p.instruction_id = i.id)
        and payouts.own_doing(i.id, i.stripe_account_id, %(actor)s, session_user) is null
    order by i.id
    for update of i
), approved as (
    insert into payouts.approvals (instruction_id, payee_id, actor, reason)
    select id, payee_id, %(actor)s, %(reason)s from waiting
), said as (
    update payouts.instructions as i
    set status_at = now(), changed_by = %(actor)s,
        reason_code = 'approved', reason_details = jsonb_build_object('reason', %(reason)s::text)
    from waiting as w
    where i.id = w.id and w.reason_code = 'day_approval_required'
)
select currency, count(*), sum(amount_minor)::bigint from waiting group by currency order by currency

-- name: own_doing
-- What the person has to do with an instruction that they would approve; null where nothing.
select payouts.own_doing(i.id, coalesce(i.stripe_account_id, i.stripe_customer_id, ''), %(actor)s, session_user)
from payouts.instructions as i
where i.id = %(id)s

-- name: list_wanted_approvals
-- What waits for a person's approval, largest first.
select i.id, i.day, i.billing_type, i.currency, i.amount_minor, a.subject || ':' || a.subject_id,
    i.approval_above_minor >= i.amount_minor
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
where i.status = 'held' and i.approval_above_minor is not null
    and not exists (select from payouts.approved_instructions as p where p.instruction_id = i.id)
order by i.currency, i.amount_minor desc, i.id

-- name: currencies_on_hold
-- The currencies in which no payout is sent, since our balance at the provider is not understood.
select currency from payouts.currencies_on_hold order by currency

-- name: hold_payouts_of_day
-- Holds the payouts of a day in such currencies that are not in progress.
update payouts.instructions
set status = 'held', status_at = now(), reason_code = %(reason_code)s, reason_details = '{}', changed_by = %(actor)s,
    published_at = null
where day = %(day)s and billing_type not in ('player_charge', 'charge_refund') and status in ('pending', 'published')
    and currency in (select currency from payouts.currencies_on_hold)
