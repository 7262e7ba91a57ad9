-- Attempts: claimed and committed before the call, closed by its outcome.

-- name: claim_lock
-- Locks those of the instructions that messages name of which something is to be done, in the order of their ids as every
-- transaction does. It waits for who has one: a message is deleted after this, so an instruction that was passed over
-- would wait for another one for minutes. What has been refused or held back gets a new message when it continues;
-- locked for one that comes again, it could deadlock with a run, which cancels such instructions last.
-- Gives what became of each meanwhile.
select id, status
from payouts.instructions
where id = any(%(ids)s) and status in ('pending', 'published', 'sending', 'unknown')
order by id
for update

-- name: claim_mark_published
-- A message can arrive before its publisher has noted that it was published.
update payouts.instructions
set status = 'published', status_at = now(), reason_code = 'not_taken', reason_details = '{}', changed_by = %(actor)s,
    published_at = now()
where id = any(%(ids)s) and status = 'pending'

-- name: claim_give_up_lost
-- A worker that let its lease run out has stopped; what came of its call is not known.
update payouts.instructions
set status = 'unknown', status_at = now(), changed_by = %(actor)s, retry_at = now(), leased_until = null,
    reason_code = 'worker_lost', reason_details = '{}', provider_request_id = null
where id = any(%(ids)s) and status = 'sending' and leased_until < now()

-- name: claim_hold_back
-- A payee can be put on hold before it has an account, so that the hold found no instruction to hold back; and its Stripe
-- account can turn out to be another's, or another one by now.
update payouts.instructions as i
set status = 'held', status_at = now(), changed_by = %(actor)s,
    reason_code = case when h.subject is null then n.reason_code else 'on_hold' end,
    reason_details = case when h.subject is null then n.reason_details else jsonb_build_object('reason', h.reason) end
from payouts.accounts as a
left join payouts.held_payees as h on h.subject = a.subject and h.subject_id = a.subject_id
left join payouts.held_accounts as n on n.subject = a.subject and n.subject_id = a.subject_id
where i.id = any(%(ids)s) and i.status = 'published' and a.id = i.account_id
    and (h.subject is not null or n.stripe_account_id = i.stripe_account_id and i.billing_type <> 'payout_reversal')
    -- Nothing is sent for what is being cancelled.
    and not exists (select from payouts.cancellations as c where c.instruction_id = i.id)
    -- What has moved is not sent, and no hold undoes it.
    and not exists (
        select from payouts.movements as m where m.instruction_id = i.id and m.status in ('succeeded', 'reversed')
    )

-- name: claim
-- Takes the instructions for one worker, until its lease runs out. It is the last guard against sending what a person
-- holds back; what is unknown is taken all the same, to be asked for.
update payouts.instructions as i
set status = 'sending', status_at = now(), reason_code = 'being_sent', reason_details = '{}', changed_by = %(actor)s,
    leased_until = now() + %(lease)s, retry_at = null, provider_request_id = null
from payouts.accounts as a
where i.id = any(%(ids)s) and a.id = i.account_id
    and (
        i.status = 'unknown' and i.retry_at <= now()
        or i.status = 'published'
            and (
                exists (
                    select from payouts.movements as m
                    where m.instruction_id = i.id and m.status in ('succeeded', 'reversed')
                )
                or exists (select from payouts.cancellations as c where c.instruction_id = i.id)
                or not exists (
                    select from payouts.held_payees as h where h.subject = a.subject and h.subject_id = a.subject_id
                )
                and (
                    i.approval_above_minor is null
                    or exists (select from payouts.approved_instructions as p where p.instruction_id = i.id)
                )
                and (
                    i.billing_type not in ('club_payout', 'organiser_payout', 'partner_payout')
                    or not exists (
                        select
                        from payouts.held_accounts as n
                        where (n.subject, n.subject_id, n.stripe_account_id)
                            = (a.subject, a.subject_id, i.stripe_account_id)
                    )
                )
            )
    )
returning i.id

-- name: claim_open_attempts
-- Opens an attempt where none is in progress; the number only grows after a refusal or a proven absence. One of which
-- Stripe has something that the ledger did not know was sent before; once it has ended, the next one is a new one.
insert into payouts.attempts (
    instruction_id, number, stripe_account_id, stripe_customer_id, stripe_payment_method_id, sends, first_sent_at,
    last_sent_at
)
select
    i.id, coalesce((select max(a.number) from payouts.attempts as a where a.instruction_id = i.id), 0) + 1,
    i.stripe_account_id, i.stripe_customer_id, i.stripe_payment_method_id,
    case when m.first_at is null then 0 else 1 end, coalesce(m.first_at, now()), coalesce(m.last_at, now())
from payouts.instructions as i
cross join lateral (
    -- None where nothing was found: `least` passes over what is null.
    select
        case when count(*) > 0 then least(min(created_at), now()) end as first_at,
        case when count(*) > 0 then least(max(created_at), now()) end as last_at
    from payouts.movements as found
    where found.instruction_id = i.id
        and not exists (
            select from payouts.attempts as a where a.instruction_id = i.id and a.finished_at > found.found_at
        )
) as m
where i.id = any(%(ids)s)
    and not exists (
        select from payouts.attempts as a
        where a.instruction_id = i.id and (a.outcome is null or a.outcome = 'settled')
    )
order by i.id

-- name: claim_attempts
-- The open attempts of the claimed instructions, as they were before this call.
select
    (select id from payouts.identity) as ledger_id, i.id as instruction_id, i.billing_type, i.day, i.currency, i.amount_minor, a.number, a.idempotency_key,
    a.stripe_account_id, a.stripe_customer_id, a.stripe_payment_method_id, a.first_sent_at, a.sends,
    a.first_sent_at < now() - %(key_young_for)s as key_is_old,
    a.last_sent_at < now() - %(call_gone_after)s as is_gone,
    exists (
        select from payouts.held_payees as h
        where h.subject = account.subject and h.subject_id = account.subject_id
    ) as is_on_hold,
    exists (select from payouts.cancellations as c where c.instruction_id = i.id) as is_to_cancel,
    payouts.card_history(a.stripe_customer_id, a.stripe_payment_method_id, i.id) as card_refusals,
    i.stripe_payment_method_id is null as is_default_card,
    array(
        select distinct coalesce(each.stripe_customer_id, each.stripe_account_id)
        from payouts.attempts as each
        where each.instruction_id = i.id and coalesce(each.stripe_customer_id, each.stripe_account_id) is not null
    ) as payees,
    (
        select coalesce(jsonb_agg(jsonb_build_object(
            'reference', m.provider_reference, 'instruction_id', m.instruction_id::text,
            'amount_minor', m.amount_minor, 'currency', m.currency, 'payee', m.payee, 'status', m.status
        ) order by m.created_at), '[]')
        from payouts.movements as m
        where m.instruction_id = i.id
            and not exists (
                select from payouts.judgements as j
                where j.instruction_id = i.id and j.disowned = m.provider_reference
            )
    ) as movements,
    (
        select coalesce(jsonb_agg(jsonb_build_object(
            'reference', m.provider_reference, 'amount_minor', m.amount_minor, 'currency', m.currency, 'day', m.day
        ) order by m.created_at), '[]')
        from payouts.movements as m
        left join payouts.instructions as its on its.id = m.instruction_id
        where m.payee in (a.stripe_customer_id, a.stripe_account_id)
            and m.status in ('succeeded', 'processing', 'reversed')
            and (its.id is null or its.status = 'cancelled')
            -- Of which no person has said, when it kept something of this account from being sent, that it does not.
            and not exists (
                select
                from payouts.instructions as other
                join payouts.events as kept on kept.instruction_id = other.id
                join payouts.events as said on said.instruction_id = other.id
                where other.account_id = i.account_id and kept.reason_code = %(movement_lost)s
                    and kept.at > m.found_at and said.reason_code = 'retried' and said.at > kept.at
            )
    ) as lost_movements,
    (
        select taken.provider_reference
        from payouts.return_orders as o
        join payouts.instructions as taken on taken.id = o.takes_back_id
        where o.instruction_id = i.id
    ) as takes_back,
    (select o.target from payouts.return_orders as o where o.instruction_id = i.id) as target,
    judgement.provider_reference as judged_reference,
    judgement.id is not null and judgement.provider_reference is null as is_judged_not_moved,
    array(
        select j.disowned from payouts.judgements as j where j.instruction_id = i.id and j.disowned is not null
    ) as disowned
from payouts.instructions as i
join payouts.accounts as account on account.id = i.account_id
join payouts.attempts as a on a.instruction_id = i.id and a.outcome is null
left join lateral (
    select j.id, j.provider_reference
    from payouts.judgements as j
    where j.instruction_id = i.id and j.attempt = a.number
    order by j.id desc
    limit 1
) as judgement on true
where i.id = any(%(ids)s)
order by i.id

-- name: claim_count_sends
-- Notes that the open attempts are about to be sent; one with an old key, or that is to be cancelled, is only asked for.
update payouts.attempts as a
set sends = a.sends + 1, last_sent_at = now()
where a.instruction_id = any(%(ids)s) and a.outcome is null and a.first_sent_at >= now() - %(key_young_for)s
    and not exists (select from payouts.cancellations as c where c.instruction_id = a.instruction_id)

-- name: set_payment_method
-- Notes the card of an open attempt, once and for all; gives the one that counts, and its past.
update payouts.attempts
set stripe_payment_method_id = coalesce(stripe_payment_method_id, %(payment_method_id)s)
where instruction_id = %(instruction_id)s and number = %(number)s and outcome is null
returning
    stripe_payment_method_id, payouts.card_history(stripe_customer_id, stripe_payment_method_id, instruction_id)

-- name: judge_attempt
-- Keeps what a person says of the attempt whose outcome is not known, and has Stripe asked about it now.
with judged as (
    update payouts.instructions as i
    set retry_at = now()
    from payouts.attempts as a
    where i.id = %(id)s and i.status = 'unknown' and a.instruction_id = i.id and a.outcome is null
    returning i.id, a.number, i.reason_code, i.reason_details
)
insert into payouts.judgements (instruction_id, attempt, provider_reference, disowned, actor, reason)
select
    id, number, %(reference)s,
    case when %(reference)s::text is null and reason_code = any(%(others)s) then reason_details ->> 'reference' end,
    %(actor)s, %(reason)s
from judged

-- name: is_reference_taken
-- Whether another instruction is settled by a movement, or a person says so and has not taken it back.
select exists (select from payouts.instructions where provider_reference = %(reference)s and id <> %(id)s)
    or exists (
        select
        from payouts.judgements as j
        join payouts.instructions as i on i.id = j.instruction_id
        where j.provider_reference = %(reference)s and i.id <> %(id)s and i.status in ('unknown', 'sending')
            and not exists (select from payouts.judgements as l where l.instruction_id = i.id and l.id > j.id)
    )

-- name: taken_references
-- The references of outcomes by which other instructions are settled.
select o.instruction_id
from jsonb_to_recordset(%(outcomes)s::jsonb) as o (instruction_id uuid, provider_reference text)
join payouts.instructions as i on i.provider_reference = o.provider_reference and i.id <> o.instruction_id

-- name: record_lock_accounts
-- Locks the accounts that outcomes will move, in the order in which all transactions do: players
-- by id, payees by id, and then instructions.
select a.id
from jsonb_to_recordset(%(outcomes)s::jsonb) as o (instruction_id uuid, status text)
join payouts.instructions as i on i.id = o.instruction_id
join payouts.accounts as a on a.id = i.account_id
where o.status in ('settled', 'cancelled')
order by a.subject <> 'player', a.id
for no key update of a

-- name: record_lock_instructions
-- Locks the instructions that outcomes are of, in the order of their ids.
select i.id
from jsonb_to_recordset(%(outcomes)s::jsonb) as o (instruction_id uuid)
join payouts.instructions as i on i.id = o.instruction_id
order by i.id
for update of i

-- name: record_outcomes
-- Writes outcomes: the attempt's and the instruction's, from which a trigger makes entries and balance of what settled.
-- Of what is to be cancelled it only closes the attempt.
with outcome as (
    select o.*
    from jsonb_to_recordset(%(outcomes)s::jsonb) as o (
        instruction_id uuid, number int, status text, reason_code text, reason_details jsonb,
        retry_after_s double precision, provider_reference text, provider_request_id text, sends int,
        is_absent bool
    )
    join payouts.instructions as i on i.id = o.instruction_id and i.status = 'sending'
), attempt as (
    update payouts.attempts as a
    set code = case when o.status not in ('settled', 'unknown') and not o.is_absent then o.reason_code end,
        provider_request_id = o.provider_request_id,
        outcome = case
            when o.status = 'unknown' then null
            when o.status = 'settled' then 'settled'
            when o.is_absent then 'absent'
            else 'refused'
        end,
        finished_at = case when o.status <> 'unknown' then now() end
    from outcome as o
    where a.instruction_id = o.instruction_id and a.number = o.number and a.outcome is null
        and (o.status in ('settled', 'unknown') or o.sends is null or a.sends = o.sends + 1)
    returning a.instruction_id
), instruction as (
    update payouts.instructions as i
    set status = o.status, status_at = now(), changed_by = %(actor)s,
        reason_code = o.reason_code, reason_details = o.reason_details,
        retry_at = now() + make_interval(secs => o.retry_after_s), leased_until = null,
        provider_reference = o.provider_reference, provider_request_id = o.provider_request_id
    from outcome as o
    join attempt on attempt.instruction_id = o.instruction_id
    where i.id = o.instruction_id and o.status <> 'cancelled'
)
select instruction_id from attempt
