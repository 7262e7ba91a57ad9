-- Cancellations: asked for, at once where nothing was ever sent, otherwise once Stripe has been asked (rule of money 11).

-- name: charges_above_debt
-- Locks the charges that ask for more than is owed since a correction, and of which nothing is in progress at the
-- provider.
with owed_less as (
    select a.id
    from payouts.accounts as a
    left join payouts.held_players as h on h.player_id = a.subject_id and h.currency = a.currency
    where a.subject = 'player'
        and (a.subject_id, a.currency) in (select player_id, currency from payouts.fees where day = %(day)s)
        and a.booked_minor - a.in_flight_minor - a.settled_minor - coalesce(h.amount_minor, 0) < 0
)
select i.id
from payouts.instructions as i
where i.account_id in (select id from owed_less) and i.status = any(%(cancellable)s)
    and i.billing_type = 'player_charge'
order by i.id
for update

-- name: payouts_above_due
-- Locks the payouts of more than is due since a correction, and of which nothing is in progress at the provider. A
-- release of this day may hold corrections of fees of other days, so the payees of the day's fees are not all.
with due_less as (
    select a.id
    from payouts.accounts as a
    where a.subject in ('club', 'organiser', 'partner')
        and (
            (a.subject, a.subject_id, a.currency) in (
                select billing_subject, subject_id, currency from payouts.shares where day = %(day)s
            )
            or a.id in (
                select l.account_id
                from payouts.release_lines as l
                join payouts.releases as r on r.id = l.release_id
                where r.day = %(day)s and l.payout_id is null
            )
        )
        and a.released_minor - a.in_flight_minor - a.settled_minor
            - coalesce((select h.amount_minor from payouts.held_payouts as h where h.account_id = a.id), 0) < 0
)
select i.id
from payouts.instructions as i
where i.account_id in (select id from due_less) and i.status = any(%(cancellable)s)
    and i.billing_type <> 'payout_reversal'
order by i.id
for update

-- name: charges_too_small
-- Locks the charges that Stripe has refused as too small, whichever day they are of, of players with fees on this day.
select i.id
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
where i.status = 'rejected' and i.reason_code = %(code)s and i.billing_type = 'player_charge'
    and (a.subject_id, a.currency) in (select player_id, currency from payouts.fees where day = %(day)s)
order by i.id
for update of i

-- name: charges_to_join
-- Locks the charges whose card was refused, of players with fees on this day that no charge covers yet.
with open as (
    select distinct player_id, currency
    from payouts.fees
    where day = %(day)s and own_release_id is null and charge_id is null
        and (day, player_id, match_player_id, match_id, currency) not in (
            select day, player_id, match_player_id, match_id, currency from payouts.held_fees
        )
), owing as (
    select a.id
    from open as o
    join payouts.accounts as a on a.subject = 'player' and a.subject_id = o.player_id and a.currency = o.currency
    left join payouts.held_players as h on h.player_id = o.player_id and h.currency = o.currency
    where a.booked_minor - a.in_flight_minor - a.settled_minor - coalesce(h.amount_minor, 0) > 0
)
select i.id
from payouts.instructions as i
where i.account_id in (select id from owing) and i.status in ('waiting', 'rejected')
    and i.reason_code = any(%(codes)s) and i.billing_type = 'player_charge'
order by i.id
for update

-- name: payouts_too_small
-- Locks the payouts that Stripe has refused as too small, of payees to whom this day has released something.
select i.id
from payouts.instructions as i
where i.status = 'rejected' and i.reason_code = %(code)s
    and i.account_id in (
        select l.account_id
        from payouts.release_lines as l
        join payouts.releases as r on r.id = l.release_id
        where r.day = %(day)s
    )
    and i.billing_type in ('club_payout', 'organiser_payout', 'partner_payout')
order by i.id
for update

-- name: cancellable_instruction
-- Locks the instruction that a person wants to cancel, if nothing of it may be moving.
select id from payouts.instructions where id = %(id)s and status = any(%(cancellable)s) for update

-- name: request_cancellations
-- Notes that instructions, which are locked, are to be cancelled, and why; once.
insert into payouts.cancellations (instruction_id, day, actor, reason_code, reason_details, followed_up_at)
select id, %(day)s, %(actor)s, %(reason_code)s, %(reason_details)s::jsonb, case when %(is_followed_up)s then now() end
from unnest(%(ids)s::uuid[]) as u (id)
on conflict (instruction_id) do nothing

-- name: never_sent
-- Those of the instructions of which Stripe has nothing: no attempt was made, and none that the ledger did not know.
select id from unnest(%(ids)s::uuid[]) as u (id)
where not exists (select from payouts.attempts as a where a.instruction_id = u.id)
    and not exists (select from payouts.movements as m where m.instruction_id = u.id)

-- name: hand_to_worker
-- Has a worker ask Stripe about instructions that are to be cancelled, whatever they waited for.
update payouts.instructions
set status = 'pending', status_at = now(), changed_by = %(actor)s, reason_code = 'being_cancelled',
    reason_details = '{}', retry_at = null, published_at = null
where id = any(%(ids)s) and status in ('held', 'waiting', 'rejected')

-- name: cancel_instructions
-- Cancels instructions that are locked, for the reason that was given; a trigger puts their amounts on their accounts
-- again.
update payouts.instructions as i
set status = 'cancelled', status_at = now(), changed_by = %(actor)s,
    reason_code = c.reason_code, reason_details = c.reason_details, retry_at = null, leased_until = null
from payouts.cancellations as c
where i.id = any(%(ids)s) and c.instruction_id = i.id

-- name: follow_up_cancellations
-- Notes that a day's run makes what is due instead of what was cancelled, of which it gives the accounts.
update payouts.cancellations as c
set followed_up_at = now()
from payouts.instructions as i
where c.day = %(day)s and c.followed_up_at is null and i.id = c.instruction_id and i.status in ('cancelled', 'settled')
    and (i.billing_type = 'player_charge') = %(are_charges)s
returning i.account_id

-- name: being_cancelled
-- How many instructions are being cancelled whose day is to make what is due instead.
select count(*) from payouts.being_cancelled where asked_by_day = %(day)s and billing_type = any(%(billing_types)s)
