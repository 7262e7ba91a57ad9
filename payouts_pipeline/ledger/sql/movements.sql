-- Movements at the provider that the ledger did not know: found, kept, and what became of them.

-- name: newest_attempt
-- When the ledger has last opened an attempt: what it may not know is of later attempts.
select max(first_sent_at) from payouts.attempts

-- name: known_movements
-- Which of the movements the ledger knows; `is_old` where all that were made before it are known as well.
select
    t.reference,
    a.instruction_id is not null or m.provider_reference is not null as is_known,
    m.provider_reference is not null or a.last_sent_at < %(newest)s::timestamptz - %(sent_within)s as is_old
from jsonb_to_recordset(%(movements)s::jsonb) as t (reference text, instruction_id uuid, attempt int)
left join payouts.attempts as a on a.instruction_id = t.instruction_id and a.number = t.attempt
left join payouts.movements as m on m.provider_reference = t.reference

-- name: keep_movements
-- Keeps what was found, once.
insert into payouts.movements (
    provider_reference, kind, instruction_id, day, billing_type, amount_minor, currency, payee, status, created_at,
    found_by
)
select
    reference, kind, instruction_id, day, billing_type, amount_minor, currency, payee, status, created_at, %(actor)s
from jsonb_to_recordset(%(movements)s::jsonb) as t (
    reference text, kind text, instruction_id uuid, day text, billing_type text, amount_minor bigint, currency text,
    payee text, status text, created_at timestamptz
)
on conflict do nothing

-- name: blocked_with_movements
-- Whose instructions wait for time, for data or for a person although Stripe has moved their money.
select i.id, a.subject as billing_subject, a.subject_id
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
where i.status in ('held', 'waiting', 'rejected')
    and i.id in (select m.instruction_id from payouts.movements as m where m.status in ('succeeded', 'reversed'))

-- name: wake_moved
-- Has a worker look at what Stripe has moved, whatever it waits for: nothing is sent for it any more. The ledger may have
-- lost which customer or account it was sent to at last; those of `league` are taken where what was found is theirs. What
-- has none waits on, until `league` has one.
update payouts.instructions as i
set status = 'pending', status_at = now(), reason_code = 'not_published', reason_details = '{}',
    changed_by = %(actor)s, retry_at = null, published_at = null,
    stripe_account_id = case when t.is_theirs then t.stripe_account_id else i.stripe_account_id end,
    stripe_customer_id = case when t.is_theirs then t.stripe_customer_id else i.stripe_customer_id end,
    stripe_payment_method_id = case
        when t.is_theirs then t.stripe_payment_method_id else i.stripe_payment_method_id
    end
from (
    select today.*, exists (
        select from payouts.movements as m
        where m.instruction_id = today.id and m.payee in (today.stripe_account_id, today.stripe_customer_id)
    ) as is_theirs
    from jsonb_to_recordset(%(today)s::jsonb) as today (
        id uuid, stripe_account_id text, stripe_customer_id text, stripe_payment_method_id text
    )
) as t
where i.id = t.id and i.status in ('held', 'waiting', 'rejected')
    and (t.is_theirs or coalesce(i.stripe_account_id, i.stripe_customer_id) is not null)

-- name: open_with_movements
-- The instructions that a worker can judge by what was found.
select distinct i.id
from payouts.instructions as i
join payouts.movements as m on m.instruction_id = i.id and m.status in ('succeeded', 'reversed')
where i.status in ('pending', 'published', 'sending', 'unknown')
order by i.id

-- name: ask_again_now
-- What is not known is judged now, and not when its time comes.
update payouts.instructions as i
set retry_at = now()
where i.status = 'unknown' and i.id in (select m.instruction_id from payouts.movements as m)

-- name: movement_states
-- All that was found, with what became of it: it has settled its instruction, waits for it, or needs a person.
select
    m.provider_reference, m.kind, m.instruction_id, m.day, m.billing_type, m.amount_minor, m.currency, m.status,
    case
        when i.status = 'settled' and i.provider_reference = m.provider_reference then 'adopted'
        when m.status not in ('succeeded', 'reversed') then 'not_moved'
        -- It could not be asked for again (`workflow.lost_returns`).
        when m.kind in ('refund', 'transfer_reversal') and i.id is null then 'needs_person'
        when m.instruction_id is null or i.status in ('settled', 'cancelled') then 'needs_person'
        when i.reason_code = 'movement_differs' then 'needs_person'
        else 'waiting'
    end as state
from payouts.movements as m
left join payouts.instructions as i on i.id = m.instruction_id
order by m.created_at, m.provider_reference
