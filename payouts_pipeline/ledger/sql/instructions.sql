-- Instructions: made from account balances, and found.

-- name: create_due_accounts
-- What is due on accounts, as it is read: page by page.
create temporary table due_accounts (
    number int generated always as identity primary key,
    account_id bigint, billing_subject text, subject_id bigint, currency char(3), amount_minor bigint, sequence int
) on commit drop

-- name: read_due
-- One page of what is due.
select account_id, billing_subject, subject_id, currency, amount_minor, sequence
from due_accounts
where number between %(first)s and %(last)s
order by number

-- name: find_charges_due
-- The open balance of each player with fees on this day that no charge covers, or who owes a credit that was taken back
-- from a charge of the day. Left alone while a fee that was corrected is covered by a charge whose outcome is open: until
-- then nobody knows how much is left to ask for.
insert into due_accounts (account_id, billing_subject, subject_id, currency, amount_minor, sequence)
with open as (
    select f.player_id, f.currency
    from payouts.fees as f
    left join lateral (
        select true as is_covered
        from payouts.booked_fees as covered
        where covered.day = f.day and covered.match_player_id = f.match_player_id
            and covered.player_id = f.player_id and covered.currency = f.currency
            and covered.charge_id is not null and covered.release_id is null
        limit 1
    ) as same_fee on true
    where f.charge_id is null and f.own_release_id is null
        and (f.player_id, f.currency) in (select player_id, currency from payouts.fees where day = %(day)s)
        and (f.day, f.player_id, f.match_player_id, f.match_id, f.currency) not in (
            select day, player_id, match_player_id, match_id, currency from payouts.held_fees
        )
    group by f.player_id, f.currency
    having count(same_fee.is_covered) = 0
    union
    select a.subject_id, a.currency
    from payouts.returns as r
    join payouts.instructions as i on i.id = r.instruction_id and i.day = %(day)s
    join payouts.accounts as a on a.id = i.account_id and a.subject = 'player'
    where r.beyond_minor > 0 and r.lifted_at is not null
        and not exists (
            select
            from payouts.fees as f
            where f.player_id = a.subject_id and f.currency = a.currency
                and f.charge_id is null and f.own_release_id is null
        )
), owed as (
    select a.id, a.booked_minor - a.in_flight_minor - a.settled_minor - coalesce(h.amount_minor, 0) as amount_minor
    from open as o
    join payouts.accounts as a on a.subject = 'player' and a.subject_id = o.player_id and a.currency = o.currency
    -- What was taken back is not asked for again by itself.
    left join payouts.held_players as h on h.player_id = o.player_id and h.currency = o.currency
)
select
    a.id as account_id, a.subject as billing_subject, a.subject_id, a.currency, o.amount_minor,
    coalesce(
        (select max(i.sequence) from payouts.instructions as i where i.day = %(day)s and i.account_id = a.id), 0
    ) + 1 as sequence
from owed as o
join payouts.accounts as a on a.id = o.id
where o.amount_minor > 0
    -- What it owes is not known before Stripe has said what became of a charge that is being cancelled.
    and not exists (select from payouts.being_cancelled as c where c.account_id = a.id)
    -- As much as Stripe once refused as too small is not tried again; more is.
    and not exists (
        select from payouts.instructions as i
        where i.account_id = a.id and i.status = 'cancelled' and i.reason_code = %(carried_over)s
            and i.amount_minor >= o.amount_minor
    )
order by a.subject_id, a.currency

-- name: read_charged
-- Those whom the booking of this transaction alone is charged for, as the ids of their charges grow.
select account_id, billing_subject, subject_id, currency, amount_minor from charged order by subject_id, currency

-- name: find_charges
-- The charge that each of them has now.
create temporary table charges on commit drop as
select c.subject_id, c.currency, i.id as charge_id
from charged as c
join payouts.instructions as i on i.day = %(day)s and i.account_id = c.account_id and i.sequence = 1

-- name: find_payouts_due
-- What is payable on each payee's account that this day released something to and that no payout covers: what was
-- released up to this day, so that a range of days makes the payouts that the days would make one by one. It is all
-- that there is where a payout was cancelled just now, or where a later correction has left less.
insert into due_accounts (account_id, billing_subject, subject_id, currency, amount_minor, sequence)
with concerned as (
    select l.account_id
    from payouts.releases as r
    join payouts.release_lines as l on l.release_id = r.id and l.payout_id is null and l.held_return_id is null
    join payouts.accounts as a on a.id = l.account_id and a.subject in ('club', 'organiser', 'partner')
    where r.day = %(day)s
    union
    select * from unnest(%(cancelled_account_ids)s::bigint[])
), payable as (
    select c.account_id, p.up_to_day_minor, p.all_minor,
        c.account_id = any(%(cancelled_account_ids)s) as had_payout_cancelled
    from concerned as c
    -- Account by account, by the index of what is to be paid: the platform's lines are never paid, and many.
    cross join lateral (
        select sum(l.amount_minor) as all_minor,
            sum(l.amount_minor) filter (
                where (select r.day from payouts.releases as r where r.id = l.release_id) <= %(day)s
            ) as up_to_day_minor
        from payouts.release_lines as l
        where l.account_id = c.account_id and l.payout_id is null and l.held_return_id is null
    ) as p
), due as (
    select account_id,
        (case when had_payout_cancelled then all_minor else least(up_to_day_minor, all_minor) end)::bigint as amount_minor
    from payable
)
select
    a.id as account_id, a.subject as billing_subject, a.subject_id, a.currency, d.amount_minor,
    coalesce(
        (select max(i.sequence) from payouts.instructions as i where i.day = %(day)s and i.account_id = a.id), 0
    ) + 1 as sequence
from due as d
join payouts.accounts as a on a.id = d.account_id
where a.subject in ('club', 'organiser', 'partner') and d.amount_minor > 0
    -- A share that a correction took away, but waits with its fee for a charge, is worked off before anything more is paid.
    and d.amount_minor <= a.booked_minor - a.in_flight_minor - a.settled_minor
        - coalesce((select h.amount_minor from payouts.held_payouts as h where h.account_id = a.id), 0)
    -- What it is owed is not known before Stripe has said what became of a payout that is being cancelled.
    and not exists (select from payouts.being_cancelled as c where c.account_id = a.id)
    -- As much as Stripe once refused as too small is not tried again; more is.
    and not exists (
        select from payouts.instructions as i
        where i.account_id = a.id and i.status = 'cancelled' and i.reason_code = %(carried_over)s
            and i.amount_minor >= d.amount_minor
    )
order by a.subject_id, a.currency, a.id

-- name: create_new_instructions
-- Where new instructions are collected before they are inserted at once.
create temporary table new_instructions (
    id uuid, account_id bigint, billing_type text, currency char(3), amount_minor bigint, sequence int,
    is_portion boolean,
    status text, reason_code text, reason_details jsonb, approval_above_minor bigint,
    stripe_account_id text, stripe_customer_id text, stripe_payment_method_id text
) on commit drop

-- name: hold_above_limit_of_day
-- Has the new payouts wait for an approval where those of the day are above its limit together. What is above a limit of
-- its own waits for that; the reason is the one that `holds.why_held` would give.
with above as (
    select l.key as currency, l.value::bigint as limit_minor
    from jsonb_each_text(%(limits)s::jsonb) as l
    where l.value::bigint < (
        select coalesce(sum(n.amount_minor), 0) from new_instructions as n where n.currency = l.key
    ) + (
        select coalesce(sum(i.amount_minor), 0)
        from payouts.instructions as i
        where i.day = %(day)s and i.currency = l.key and i.status <> 'cancelled'
            and i.billing_type in ('club_payout', 'organiser_payout', 'partner_payout')
    )
), waiting as (
    select n.id, a.limit_minor,
        case
            when n.reason_code in ('on_hold', 'account_of_another_payee') then n.reason_code
            when a.limit_minor < n.amount_minor then 'approval_required'
            when n.reason_code = 'no_stripe_id' then n.reason_code
            else 'day_approval_required'
        end as code
    from new_instructions as n
    join above as a on a.currency = n.currency
    where n.approval_above_minor is null
)
update new_instructions as n
set approval_above_minor = w.limit_minor, status = 'held', reason_code = w.code,
    reason_details = case
        when w.code = n.reason_code then n.reason_details else jsonb_build_object('limit_minor', w.limit_minor)
    end
from waiting as w
where n.id = w.id

-- name: insert_instructions
-- Makes the instructions, in the order of their ids, which a b-tree loads in a third of the time.
insert into payouts.instructions (
    id, day, billing_type, account_id, sequence, currency, amount_minor, approval_above_minor, status,
    reason_code, reason_details, changed_by, stripe_account_id, stripe_customer_id, stripe_payment_method_id
)
select
    id, %(day)s, billing_type, account_id, sequence, currency, amount_minor, approval_above_minor, status,
    reason_code, reason_details, %(actor)s, stripe_account_id, stripe_customer_id, stripe_payment_method_id
from new_instructions
order by id

-- name: add_in_flight
-- Takes the amounts of the new instructions off the open balances.
update payouts.accounts as a
set in_flight_minor = a.in_flight_minor + n.amount_minor
from (select account_id, sum(amount_minor) as amount_minor from new_instructions group by account_id) as n
where a.id = n.account_id

-- name: create_parts
-- Where it is collected what instructions have to cover that are several of one account: fees, or lines of releases.
create temporary table if not exists parts (
    account_id bigint, day date, match_player_id bigint, release_id bigint, amount_minor bigint, part bigint
) on commit drop

-- name: insert_charge_parts
-- What the charges of an account that owes more than one can ask for have to cover: its open fees, each as a whole, in
-- the order in which they are covered. A charge is lowered by what a correction takes back, so that comes first.
insert into parts (account_id, day, match_player_id, amount_minor, part)
select
    a.id as account_id, f.day, f.match_player_id, sum(f.amount_minor)::bigint as amount_minor,
    row_number() over (
        partition by a.id order by sum(f.amount_minor) > 0, f.day, f.match_player_id
    ) as part
from payouts.accounts as a
join payouts.fees as f on f.player_id = a.subject_id and f.currency = a.currency
where a.id = any(%(accounts)s::bigint[]) and f.own_release_id is null and f.charge_id is null
    and (f.day, f.player_id, f.match_player_id, f.match_id, f.currency) not in (
        select day, player_id, match_player_id, match_id, currency from payouts.held_fees
    )
group by a.id, f.day, f.match_player_id

-- name: insert_payout_parts
-- What the payouts of an account that gets more than one can pay have to cover: the lines that one payout would cover.
insert into parts (account_id, release_id, amount_minor, part)
with large as (
    select * from unnest(%(accounts)s::bigint[], %(amounts)s::bigint[]) as u (account_id, amount_minor)
), payable as (
    select l.account_id, l.release_id, l.amount_minor, r.day, g.amount_minor as due_minor,
        sum(l.amount_minor) over (partition by l.account_id) as all_minor
    from large as g
    join payouts.release_lines as l on l.account_id = g.account_id
    join payouts.releases as r on r.id = l.release_id
    where l.payout_id is null and l.held_return_id is null
)
select account_id, release_id, amount_minor,
    row_number() over (partition by account_id order by amount_minor > 0, day, release_id) as part
from payable
where day <= %(day)s or all_minor = due_minor

-- name: read_parts
-- What of some accounts is to be covered, in order.
select account_id, part, amount_minor from parts where account_id = any(%(accounts)s::bigint[]) order by account_id, part

-- name: create_portions
-- Where it is collected which instruction covers which parts.
create temporary table if not exists portions (account_id bigint, sequence int, first_part int, last_part int) on commit drop

-- name: apply_charge_portions
-- Ties to each of several charges of an account the fees that it covers.
update payouts.fees as f
set charge_id = n.id
from new_instructions as n
join portions as o on o.account_id = n.account_id and o.sequence = n.sequence
join parts as p on p.account_id = n.account_id and p.part between o.first_part and o.last_part
join payouts.accounts as a on a.id = n.account_id
where n.is_portion and f.player_id = a.subject_id and f.currency = a.currency
    and f.day = p.day and f.match_player_id = p.match_player_id and f.own_release_id is null and f.charge_id is null

-- name: apply_payout_portions
-- Ties to each of several payouts of an account the lines that it pays.
update payouts.release_lines as l
set payout_id = n.id
from new_instructions as n
join portions as o on o.account_id = n.account_id and o.sequence = n.sequence
join parts as p on p.account_id = n.account_id and p.part between o.first_part and o.last_part
where n.is_portion and l.account_id = p.account_id and l.release_id = p.release_id and l.payout_id is null
    and l.held_return_id is null

-- name: apply_charges
-- Ties every open fee of the new charges' accounts to its charge.
update payouts.fees as f
set charge_id = n.id
from new_instructions as n
join payouts.accounts as a on a.id = n.account_id
where not n.is_portion and f.player_id = a.subject_id and f.currency = a.currency
    and f.own_release_id is null and f.charge_id is null
    and (f.day, f.player_id, f.match_player_id, f.match_id, f.currency) not in (
        select day, player_id, match_player_id, match_id, currency from payouts.held_fees
    )

-- name: apply_payouts
-- Ties to each new payout what it pays: what was released up to its day, or everything where it pays everything.
with payable as (
    select account_id, sum(amount_minor) as amount_minor
    from payouts.release_lines
    where payout_id is null and held_return_id is null and account_id in (select account_id from new_instructions)
    group by account_id
)
update payouts.release_lines as l
set payout_id = n.id
from new_instructions as n
join payable as p on p.account_id = n.account_id
cross join payouts.releases as r
where not n.is_portion and l.account_id = n.account_id and l.payout_id is null and l.held_return_id is null
    and r.id = l.release_id
    and (r.day <= %(day)s or p.amount_minor = n.amount_minor)

-- name: find_instruction
-- One instruction, with whose it is and whether a person has approved it.
select
    i.id, i.day, i.billing_type, i.currency, i.amount_minor, i.status, i.reason_code, i.reason_details, a.id as account_id, a.subject, a.subject_id,
    i.approval_above_minor is not null as wants_approval, p.instruction_id is not null as is_approved
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
left join payouts.approved_instructions as p on p.instruction_id = i.id
where i.id = %(id)s

-- name: instructions_of_messages
-- What messages point to: whose queue they belong on, and how far it is.
select id, billing_type, status from payouts.instructions where id = any(%(ids)s)

-- name: may_need_provider
-- Whether materialising a day may call Stripe: it was never booked, or something of it has not come to its end.
select not exists (select from payouts.days where day = %(day)s)
    or exists (
        select from payouts.instructions
        where day = %(day)s
            and (status in ('pending', 'published', 'sending', 'unknown') or status in ('waiting', 'rejected') and retry_at <= now())
    )
