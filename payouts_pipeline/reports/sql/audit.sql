-- The auditor: one query for each thing that must not be, written from the rules and not from the booking's queries.

-- name: begin_audit
-- Everything that follows in this transaction sees one moment, whatever runs meanwhile. It writes a temporary table, and
-- nothing else: who may only read can audit.
set transaction isolation level repeatable read, read write

-- name: last_checkpoint
-- The last entry of which the sums are kept; 0 where none are.
select coalesce(max(entry_id), 0) from payouts.checkpoints

-- name: create_audit_scope
-- The accounts that the days moved or on which something was entered since the last checkpoint, or all of them: what the
-- auditor recomputes. `debit` is +1 where the account's usual direction is a debit.
create temporary table audit_scope on commit drop as
with booked as (
    select 'player' as subject, f.player_id as subject_id, f.currency from payouts.fees as f where f.day = any(%(days)s)
    union
    select s.billing_subject, s.subject_id, s.currency from payouts.shares as s where s.day = any(%(days)s)
), moved as (
    select a.id from booked join payouts.accounts as a using (subject, subject_id, currency)
    union
    select i.account_id from payouts.instructions as i where i.day = any(%(days)s)
    union
    select l.account_id
    from payouts.releases as r
    join payouts.release_lines as l on l.release_id = r.id
    where r.day = any(%(days)s)
), touched as (
    select id from moved
    union
    select e.account_id from payouts.entries as e where e.id > %(since)s
)
select a.id, a.subject, a.subject_id, a.currency, case a.subject when 'player' then 1 else -1 end as debit,
    %(days)s::date[] is null or a.id in (select id from moved) as is_of_days
from payouts.accounts as a
where a.subject in ('player', 'club', 'organiser', 'partner', 'platform')
    and (%(days)s::date[] is null or a.id in (select id from touched))

-- name: audit_counts
-- How much of the days the auditor looked at: lines of fees and shares, instructions, accounts.
select
    (select count(*) from payouts.fees where %(days)s::date[] is null or day = any(%(days)s))
    + (select count(*) from payouts.shares where %(days)s::date[] is null or day = any(%(days)s)),
    (select count(*) from payouts.instructions where %(days)s::date[] is null or day = any(%(days)s)),
    (select count(*) from audit_scope where is_of_days)

-- name: audit_account_names
-- Whose accounts these are, as `payouts explain` takes them.
select id::text, concat_ws(' ', concat_ws(':', subject, subject_id), currency)
from payouts.accounts
where id::text = any(%(ids)s)

-- name: audit_fees
-- Rule 1: fees whose shares don't add up to them, as each booking has written them; shares without a fee; and what
-- corrections have brought below zero.
with fee as (
    select day, match_id, match_player_id, player_id, currency, booking_id, amount_minor
    from payouts.fees
    where %(days)s::date[] is null or day = any(%(days)s)
), share as (
    select day, match_id, match_player_id, player_id, currency, booking_id, billing_subject, subject_id, amount_minor
    from payouts.shares
    where %(days)s::date[] is null or day = any(%(days)s)
), divided as (
    select day, match_id, match_player_id, player_id, currency, booking_id, sum(amount_minor) as amount_minor
    from share
    group by day, match_id, match_player_id, player_id, currency, booking_id
)
select 'fee' as kind, day || '/' || match_player_id as id,
    format(
        'booking %%s: the fee is %%s %%s and its shares add up to %%s', booking_id,
        coalesce(fee.amount_minor::text, 'not there, in'), currency, coalesce(divided.amount_minor, 0)
    ) as detail
from fee
full join divided using (day, match_id, match_player_id, player_id, currency, booking_id)
where fee.amount_minor is distinct from coalesce(divided.amount_minor, 0)
union all
select 'fee', day || '/' || match_player_id, format('the fee adds up to %%s %%s', sum(amount_minor), currency)
from fee
group by day, match_id, match_player_id, player_id, currency
having sum(amount_minor) < 0
union all
select 'fee', day || '/' || match_player_id,
    format('the share of %%s:%%s adds up to %%s %%s', billing_subject, subject_id, sum(amount_minor), currency)
from share
group by day, match_id, match_player_id, player_id, currency, billing_subject, subject_id
having sum(amount_minor) < 0

-- name: audit_collected
-- Rule 2: players of whom more was released than was collected, or more is covered than was and will be charged, but for
-- credits that Stripe has taken back after other fees had been paid with them; and fees that are released, or hang on a
-- charge, that is not theirs, not settled or cancelled.
with uncollected as (
    select s.id as account_id, sum(f.amount_minor) as amount_minor,
        sum(f.amount_minor) filter (where f.charge_id is null) as uncovered_minor
    from audit_scope as s
    join payouts.uncollected_fees as f on f.player_id = s.subject_id and f.currency = s.currency
    where s.subject = 'player'
    group by s.id
), beyond as (
    select i.account_id, sum(r.beyond_minor) as amount_minor
    from payouts.returns as r
    join payouts.instructions as i on i.id = r.instruction_id
    where r.beyond_minor <> 0
    group by i.account_id
), player as (
    select a.id, a.currency, a.settled_minor, a.in_flight_minor,
        a.booked_minor - coalesce(u.amount_minor, 0) - coalesce(b.amount_minor, 0) as released_minor,
        a.booked_minor - coalesce(u.uncovered_minor, 0) - coalesce(b.amount_minor, 0) as covered_minor
    from audit_scope as s
    join payouts.accounts as a on a.id = s.id
    left join uncollected as u on u.account_id = a.id
    left join beyond as b on b.account_id = a.id
    where a.subject = 'player'
)
select 'account' as kind, id::text as id,
    format('%%s %%s are released and %%s were collected', released_minor, currency, settled_minor) as detail
from player
where released_minor > settled_minor
union all
select 'account', id::text,
    format(
        '%%s %%s are released or covered by a charge, and %%s were or will be charged',
        covered_minor, currency, settled_minor + in_flight_minor
    )
from player
where covered_minor > settled_minor + in_flight_minor
union all
select 'fee', f.day || '/' || f.match_player_id,
    format(
        'is %%s, and the charge %%s that covers it is %%s',
        case when f.release_id is null then 'open' else 'released' end, i.id,
        case when (a.subject, a.subject_id, a.currency) is distinct from ('player', f.player_id, f.currency)
            then 'of another account' else i.status end
    )
from payouts.booked_fees as f
join payouts.instructions as i on i.id = f.charge_id
join payouts.accounts as a on a.id = i.account_id
where (%(days)s::date[] is null or f.day = any(%(days)s))
    and (
        i.status = 'cancelled'
        or f.release_id is not null and i.status <> 'settled'
        or (a.subject, a.subject_id, a.currency) is distinct from ('player', f.player_id, f.currency)
    )

-- name: audit_charge_releases
-- Rule 2: settled charges whose fees are neither released nor to be released, or both; and others that are.
select 'instruction' as kind, i.id::text as id,
    format(
        'is %%s, and its fees %%s', i.status,
        case
            when t.charge_id is null and r.charge_id is null then 'are never released'
            when r.charge_id is null then 'are to be released'
            when t.charge_id is null then 'are released'
            else 'are released and to be released again'
        end
    ) as detail
from payouts.instructions as i
left join payouts.charges_to_release as t on t.charge_id = i.id
left join payouts.charge_releases as r on r.charge_id = i.id
where i.billing_type = 'player_charge' and (%(days)s::date[] is null or i.day = any(%(days)s))
    and num_nonnulls(t.charge_id, r.charge_id) <> case i.status when 'settled' then 1 else 0 end

-- name: audit_payouts
-- Rule 2: payouts that are not what their release lines add up to, or pay lines of another account; release lines
-- that hang on a payout that was cancelled.
select 'instruction' as kind, i.id::text as id,
    format(
        'is %%s: pays %%s %%s, and its release lines add up to %%s, %%s of them of another account', i.status,
        i.amount_minor, i.currency, coalesce(sum(l.amount_minor), 0),
        count(*) filter (where l.account_id <> i.account_id)
    ) as detail
from payouts.instructions as i
left join payouts.release_lines as l on l.payout_id = i.id
where i.billing_type in ('club_payout', 'organiser_payout', 'partner_payout')
    and (%(days)s::date[] is null or i.day = any(%(days)s))
group by i.id, i.status, i.amount_minor, i.currency
having count(*) filter (where l.account_id <> i.account_id) > 0
    or case i.status when 'cancelled' then count(l.payout_id) > 0
        else i.amount_minor <> coalesce(sum(l.amount_minor), 0) + coalesce((
            select sum(r.amount_minor) from payouts.returns as r where r.instruction_id = i.id
        ), 0) end

-- name: audit_return_orders
-- Rules 3 and 6: refunds and reversals that nobody has asked for; of fees that add up to more than they give back, or
-- are not those of their charge; and more often listed by Stripe than they were tried.
with asked as (
    select i.id, i.day, i.amount_minor, i.currency, o.takes_back_id
    from payouts.instructions as i
    left join payouts.return_orders as o on o.instruction_id = i.id
    where i.billing_type in ('charge_refund', 'payout_reversal')
        and (%(days)s::date[] is null or i.day = any(%(days)s))
)
select 'instruction' as kind, id::text as id, 'gives money back, and nobody has asked for it' as detail
from asked
where takes_back_id is null
union all
select 'instruction', a.id::text,
    format('gives back %%s %%s of fees that add up to %%s', a.amount_minor, a.currency, sum(f.amount_minor))
from asked as a
join payouts.return_order_fees as f on f.instruction_id = a.id
group by a.id, a.amount_minor, a.currency
having sum(f.amount_minor) > a.amount_minor
union all
select 'instruction', a.id::text, format('gives back of the fee %%s/%%s, which is not of its charge', f.day, f.match_player_id)
from asked as a
join payouts.return_order_fees as f on f.instruction_id = a.id
where not exists (
    select from payouts.fees as its where its.charge_id = a.takes_back_id and its.day = f.day
        and its.match_player_id = f.match_player_id and its.player_id = f.player_id and its.match_id = f.match_id
)
union all
select 'instruction', a.id::text, format('is listed by Stripe %%s times', count(*))
from asked as a
join payouts.return_order_transactions as x on x.instruction_id = a.id
join payouts.returns as r on r.transaction_id = x.transaction_id and r.amount_minor > 0
group by a.id
having count(*) > greatest(1, (select count(*) from payouts.attempts as t where t.instruction_id = a.id))

-- name: audit_returns_under_way
-- Rule 6: charges and payouts of which more came back, or is asked for, than they have moved: Stripe will refuse the rest.
select 'instruction' as kind, u.instruction_id::text as id,
    format(
        'asks for %%s %%s back, and of what it takes back only %%s are left: cancel it', u.amount_minor, i.currency,
        i.amount_minor - back.amount_minor
    ) as detail
from payouts.return_orders_under_way as u
join payouts.instructions as i on i.id = u.takes_back_id
cross join lateral (
    select coalesce(sum(r.amount_minor), 0) as amount_minor from payouts.returns as r where r.instruction_id = i.id
) as back
where (%(days)s::date[] is null or i.day = any(%(days)s)) and u.amount_minor > i.amount_minor - back.amount_minor

-- name: audit_adjustments
-- Rule 7: adjustments that are entered, or change what is payable, otherwise than they say.
with stated as (
    select d.id, d.account_id, case when d.to_account_id is null then -d.amount_minor else d.amount_minor end as entry_minor
    from payouts.adjustments as d
    union all
    select d.id, d.to_account_id, -d.amount_minor from payouts.adjustments as d where d.to_account_id is not null
    union all
    select d.id, w.id, d.amount_minor
    from payouts.adjustments as d
    join payouts.accounts as w on w.subject = 'write_offs' and w.currency = d.currency
    where d.to_account_id is null
), entered as (
    select adjustment_id as id, account_id, sum(amount_minor) as entry_minor
    from payouts.entries
    where adjustment_id is not null
    group by adjustment_id, account_id
), payable as (
    select r.adjustment_id as id, l.account_id, sum(l.amount_minor) as line_minor
    from payouts.releases as r
    join payouts.release_lines as l on l.release_id = r.id
    where r.adjustment_id is not null
    group by r.adjustment_id, l.account_id
)
select 'adjustment' as kind, c.id::text as id,
    format(
        'account %%s: %%s is stated, %%s entered, and %%s payable', c.account_id, c.stated_minor, c.entered_minor,
        c.payable_minor
    ) as detail
from (
    select id, account_id, coalesce(s.entry_minor, 0) as stated_minor, coalesce(e.entry_minor, 0) as entered_minor,
        coalesce(p.line_minor, 0) as payable_minor
    from stated as s
    full join entered as e using (id, account_id)
    full join payable as p using (id, account_id)
) as c
left join payouts.accounts as a on a.id = c.account_id
where c.stated_minor <> c.entered_minor
    or c.payable_minor <> case when a.subject in ('club', 'organiser', 'partner') then -c.stated_minor else 0 end

-- name: audit_releases
-- Rule 2: releases whose lines are not the shares of the fees that they released.
with release as (
    -- A reversal has two releases that cancel each other out: they are looked at as one.
    select id, coalesce('return ' || return_id, id::text) as name
    from payouts.releases
    -- What people adjust is of no fees: `audit_adjustments`.
    where (%(days)s::date[] is null or day = any(%(days)s)) and adjustment_id is null
), released as (
    select r.name as release_id, f.currency, f.allocation_id, f.club_id, f.organiser_id
    from release as r
    join payouts.fees as f on f.own_release_id = r.id
    union all
    select r.name, f.currency, f.allocation_id, f.club_id, f.organiser_id
    from release as r
    join payouts.charge_releases as c on c.release_id = r.id
    join payouts.fees as f on f.charge_id = c.charge_id and f.own_release_id is null
), stated as (
    select f.release_id, a.id as account_id, sum(l.amount_minor) as amount_minor
    from released as f
    join payouts.allocation_lines as l on l.allocation_id = f.allocation_id
    join payouts.accounts as a
        on a.subject = l.billing_subject and a.currency = f.currency
        and a.subject_id = case l.billing_subject
            when 'club' then f.club_id when 'organiser' then f.organiser_id else l.partner_id end
    group by f.release_id, a.id
), line as (
    select r.name as release_id, l.account_id, sum(l.amount_minor) as amount_minor
    from release as r
    join payouts.release_lines as l on l.release_id = r.id
    group by r.name, l.account_id
)
select 'account' as kind, account_id::text as id,
    format(
        'release %%s: the line says %%s and the shares of its fees add up to %%s', release_id,
        coalesce(line.amount_minor, 0), coalesce(stated.amount_minor, 0)
    ) as detail
from stated
full join line using (release_id, account_id)
where coalesce(stated.amount_minor, 0) <> coalesce(line.amount_minor, 0)

-- name: audit_settled
-- Rules 3 and 7: settled instructions without exactly one settled attempt and exactly two entries of their amount,
-- and entries of what is not settled; also where they were entered since the last checkpoint.
with wanted as (
    select id from payouts.instructions where %(days)s::date[] is null or day = any(%(days)s)
    union
    select instruction_id from payouts.entries where id > %(since)s and instruction_id is not null
), instruction as (
    select id, status, account_id, currency, amount_minor, billing_type in ('charge_refund', 'payout_reversal') as is_return,
        case billing_type when 'player_charge' then amount_minor else -amount_minor end as received_minor
    from wanted
    join payouts.instructions using (id)
), entered as (
    select i.id, count(*) as entries,
        count(*) filter (
            where e.account_id = i.account_id and e.amount_minor = -i.received_minor and e.currency = i.currency
        ) as own,
        count(*) filter (
            where a.subject = 'provider' and e.amount_minor = i.received_minor and e.currency = i.currency
        ) as providers
    from instruction as i
    join payouts.entries as e on e.instruction_id = i.id
    join payouts.accounts as a on a.id = e.account_id
    group by i.id
), tried as (
    select a.instruction_id as id, count(*) as settled_attempts
    from payouts.attempts as a
    where a.outcome = 'settled' and a.instruction_id in (select id from instruction)
    group by a.instruction_id
)
select 'instruction' as kind, i.id::text as id,
    format(
        'is %%s with %%s entries (%%s on its account, %%s on the provider''s, of %%s %%s) and %%s settled attempts',
        i.status, coalesce(e.entries, 0), coalesce(e.own, 0), coalesce(e.providers, 0), i.amount_minor, i.currency,
        coalesce(t.settled_attempts, 0)
    ) as detail
from instruction as i
left join entered as e using (id)
left join tried as t using (id)
where i.status = 'settled' and not i.is_return
    and (e.entries, e.own, e.providers, t.settled_attempts) is distinct from (2::bigint, 1::bigint, 1::bigint, 1::bigint)
    -- What was given back is entered as what Stripe lists, and never by its own end.
    or i.status = 'settled' and i.is_return and (coalesce(e.entries, 0), t.settled_attempts) is distinct from (0::bigint, 1::bigint)
    or i.status <> 'settled' and num_nonnulls(e.entries, t.settled_attempts) > 0

-- name: audit_attempts
-- Rule 3: attempts out of order, a new one after something else than a definite refusal or a proven absence, an open
-- one of what is not in progress, and attempts at what nobody has approved.
with tried as (
    select a.instruction_id as id, a.number, a.outcome, a.first_sent_at, i.status, i.approval_above_minor,
        coalesce(a.stripe_account_id, a.stripe_customer_id, '') as payee_id,
        row_number() over attempts_of as position,
        lag(a.outcome, 1, 'refused') over attempts_of as outcome_before
    from payouts.attempts as a
    join payouts.instructions as i on i.id = a.instruction_id
    where %(days)s::date[] is null or i.day = any(%(days)s)
    window attempts_of as (partition by a.instruction_id order by a.number)
)
select 'instruction' as kind, id::text as id, format('attempt %%s is the %%s. of it', number, position) as detail
from tried
where number <> position
union all
select 'instruction', id::text, format('attempt %%s was made after one that was not refused', number)
from tried
where outcome_before is null or outcome_before = 'settled'
union all
select 'instruction', id::text, format('attempt %%s is open and the instruction %%s', number, status)
from tried
where outcome is null and status not in ('sending', 'unknown')
union all
select 'instruction', id::text, format('is %%s without an open attempt', i.status)
from payouts.instructions as i
where (%(days)s::date[] is null or i.day = any(%(days)s)) and i.status in ('sending', 'unknown')
    and not exists (select from tried as t where t.id = i.id and t.outcome is null)
union all
select 'instruction', id::text, format('attempt %%s was made without an approval', number)
from tried
where approval_above_minor is not null
    and not exists (
        select from payouts.approvals as p
        where p.instruction_id = tried.id and p.payee_id = tried.payee_id and p.at <= tried.first_sent_at
    )

-- name: audit_sequences
-- Rule 3: accounts whose instructions of a day are not numbered 1, 2, 3: one is missing, or was made by hand.
select 'account' as kind, account_id::text as id,
    format('has %%s instructions of %%s, and the last is number %%s', count(*), day, max(sequence)) as detail
from payouts.instructions
where %(days)s::date[] is null or day = any(%(days)s)
group by account_id, day
having count(*) <> max(sequence) or min(sequence) <> 1

-- name: audit_charges
-- Rule 6: charges of more than the fees that they cover, and the credits of the account that Stripe had taken back; what
-- is less is the credit that the account had.
select 'instruction' as kind, i.id::text as id,
    format(
        'charges %%s %%s and covers fees of %%s', i.amount_minor, i.currency, coalesce(sum(f.amount_minor), 0)
    ) as detail
from payouts.instructions as i
left join payouts.fees as f on f.charge_id = i.id
where i.billing_type = 'player_charge' and i.status <> 'cancelled'
    and (%(days)s::date[] is null or i.day = any(%(days)s))
group by i.id, i.account_id, i.amount_minor, i.currency
having i.amount_minor > coalesce(sum(f.amount_minor), 0) + coalesce((
    select sum(r.beyond_minor)
    from payouts.returns as r
    join payouts.instructions as taken on taken.id = r.instruction_id
    where taken.account_id = i.account_id and r.lifted_at is not null
), 0)

-- name: audit_minimum_charges
-- Rule 6: charges under Stripe's minimum.
select 'instruction' as kind, id::text as id,
    format('charges %%s %%s, under the minimum', amount_minor, currency) as detail
from payouts.instructions
where billing_type = 'player_charge' and (%(days)s::date[] is null or day = any(%(days)s))
    and amount_minor < (%(minimum_charges)s::jsonb ->> currency)::bigint

-- name: audit_minimum_payouts
-- Rule 6: payouts under the minimum that is configured now; it may have been another when they were made.
select 'instruction' as kind, id::text as id,
    format('pays %%s %%s, under the minimum of now', amount_minor, currency) as detail
from payouts.instructions
where billing_type in ('club_payout', 'organiser_payout', 'partner_payout')
    and (%(days)s::date[] is null or day = any(%(days)s))
    and amount_minor < (%(minimum_payouts)s::jsonb ->> currency)::bigint

-- name: audit_idle
-- Rule 6: what is open on an account, reaches the minimum, and no instruction moves yet. Materialising the day does.
select 'account' as kind, s.id::text as id,
    format('%%s %%s are payable and no payout pays them: materialise %%s', sum(l.amount_minor), s.currency, max(r.day))
        as detail
from audit_scope as s
join payouts.release_lines as l on l.account_id = s.id and l.payout_id is null and l.held_return_id is null
join payouts.releases as r on r.id = l.release_id
where s.subject in ('club', 'organiser', 'partner')
group by s.id, s.currency
having sum(l.amount_minor) >= (%(minimum_payouts)s::jsonb ->> s.currency)::bigint
union all
select 'account', s.id::text,
    format(
        '%%s %%s are owed and no charge asks for them: materialise %%s',
        a.booked_minor - a.settled_minor - coalesce(h.amount_minor, 0), s.currency, max(f.day)
    )
from audit_scope as s
join payouts.accounts as a on a.id = s.id and a.in_flight_minor = 0
join payouts.fees as f
    on f.player_id = s.subject_id and f.currency = s.currency and f.own_release_id is null and f.charge_id is null
left join payouts.held_players as h on h.player_id = s.subject_id and h.currency = s.currency
where s.subject = 'player'
    and a.booked_minor - a.settled_minor - coalesce(h.amount_minor, 0)
        >= (%(minimum_charges)s::jsonb ->> s.currency)::bigint
group by s.id, s.currency, a.booked_minor, a.settled_minor, h.amount_minor

-- name: audit_bookings
-- Rule 7: bookings whose entries are not what their lines say, account by account.
with booking as (
    select id, day from payouts.bookings where %(days)s::date[] is null or day = any(%(days)s)
), line as (
    select booking_id, day, 'player' as subject, player_id as subject_id, currency, amount_minor
    from payouts.fees
    where %(days)s::date[] is null or day = any(%(days)s)
    union all
    select booking_id, day, billing_subject, subject_id, currency, -amount_minor
    from payouts.shares
    where %(days)s::date[] is null or day = any(%(days)s)
), stated as (
    select l.booking_id, coalesce(a.id, 0) as account_id, l.currency, sum(l.amount_minor) as amount_minor
    from line as l
    left join payouts.accounts as a using (subject, subject_id, currency)
    group by l.booking_id, a.id, l.currency
), entered as (
    select booking_id, account_id, currency, sum(amount_minor) as amount_minor
    from payouts.entries
    where booking_id in (select id from booking)
    group by booking_id, account_id, currency
)
select 'booking' as kind, booking_id::text as id,
    format(
        'account %%s: the lines say %%s %%s and the entries %%s', account_id,
        coalesce(stated.amount_minor, 0), currency, coalesce(entered.amount_minor, 0)
    ) as detail
from stated
full join entered using (booking_id, account_id, currency)
where coalesce(stated.amount_minor, 0) <> coalesce(entered.amount_minor, 0)
union all
select distinct 'booking', l.booking_id::text, format('lines of %%s name a booking that is not of that day', l.day)
from line as l
where not exists (select from booking as b where b.id = l.booking_id and b.day = l.day)

-- name: audit_entries
-- Rule 7: bookings, settlements and balance transactions whose entries don't sum to zero, or are in another currency than
-- their account; also those of any day since the last checkpoint, which may have cut one of them in two.
with entry as (
    select booking_id, instruction_id, transaction_id, account_id, currency, amount_minor
    from payouts.entries
    where %(days)s::date[] is null or id > %(since)s
    union all
    select e.booking_id, e.instruction_id, e.transaction_id, e.account_id, e.currency, e.amount_minor
    from payouts.bookings as b
    join payouts.entries as e on e.booking_id = b.id
    where b.day = any(%(days)s) and e.id <= %(since)s
    union all
    select e.booking_id, e.instruction_id, e.transaction_id, e.account_id, e.currency, e.amount_minor
    from payouts.instructions as i
    join payouts.entries as e on e.instruction_id = i.id
    where i.day = any(%(days)s) and e.id <= %(since)s
), unbalanced as (
    select booking_id, instruction_id, transaction_id, currency
    from entry
    group by booking_id, instruction_id, transaction_id, currency
    having sum(amount_minor) <> 0
)
select
    case when u.booking_id is not null then 'booking' when u.instruction_id is not null then 'instruction'
        else 'transaction' end as kind,
    coalesce(u.instruction_id::text, u.booking_id::text, u.transaction_id) as id,
    format('its entries sum to %%s %%s', whole.amount_minor, u.currency) as detail
from unbalanced as u
cross join lateral (
    select sum(e.amount_minor) as amount_minor
    from payouts.entries as e
    where (e.booking_id = u.booking_id or e.instruction_id = u.instruction_id or e.transaction_id = u.transaction_id)
        and e.currency = u.currency
) as whole
where whole.amount_minor <> 0
union all
select 'account', e.account_id::text, format('has entries in %%s and is in %%s', e.currency, a.currency)
from entry as e
join payouts.accounts as a on a.id = e.account_id and a.currency <> e.currency

-- name: audit_transactions
-- Rule 12: balance transactions that are entered otherwise than they say: what each adds to our account at Stripe, with
-- what its instruction has entered there, is its net; and entries of one that was never entered. Since the last
-- checkpoint, and those that Stripe has made on the days.
with transaction as (
    select transaction_id as id from payouts.entries where transaction_id is not null and id > %(since)s
    union
    select t.id
    from payouts.balance_transactions as t
    cross join payouts.calendar as c
    where (t.created_at at time zone c.timezone)::date = any(%(days)s)
        -- The index is by time, and a day is no more than half a day away from its UTC.
        and t.created_at >= (select min(day) from unnest(%(days)s::date[]) as day) - interval '1 day'
        and t.created_at < (select max(day) from unnest(%(days)s::date[]) as day) + interval '2 days'
    union
    select t.id from payouts.balance_transactions as t where %(days)s::date[] is null
), entered as (
    select x.id, e.currency, sum(e.amount_minor) as amount_minor
    from transaction as x
    join payouts.entries as e on e.transaction_id = x.id
    join payouts.accounts as a on a.id = e.account_id and a.subject = 'provider'
    group by x.id, e.currency
), stated as (
    select x.id, side.currency, sum(side.amount_minor) as amount_minor
    from transaction as x
    join payouts.assignments as s on s.transaction_id = x.id and s.assigned_to <> 'elsewhere'
    join payouts.balance_transactions as t on t.id = x.id
    left join payouts.instructions as i on i.id = s.instruction_id and s.assigned_to = 'instruction'
    cross join lateral (
        values
            (t.currency, t.net_minor),
            (i.currency, case i.billing_type when 'player_charge' then -i.amount_minor else i.amount_minor end)
    ) as side (currency, amount_minor)
    where side.amount_minor is not null
    group by x.id, side.currency
)
select 'transaction' as kind, id,
    format(
        'has moved our account at Stripe by %%s %%s besides its instruction, and %%s is entered',
        coalesce(stated.amount_minor, 0), currency, coalesce(entered.amount_minor, 0)
    ) as detail
from stated
full join entered using (id, currency)
where coalesce(stated.amount_minor, 0) <> coalesce(entered.amount_minor, 0)

-- name: audit_ledger
-- Rule 7: currencies in which the ledger as a whole does not sum to zero.
select 'ledger' as kind, currency as id, format('sums to %%s', sum(amount_minor)) as detail
from (
    select currency, amount_minor from payouts.checkpoints where entry_id = %(since)s
    union all
    select currency, amount_minor from payouts.entries where id > %(since)s
) as e
group by currency
having sum(amount_minor) <> 0

-- name: audit_accounts
-- Rule 7: accounts whose columns are not what their entries, open instructions, fees and unpaid release lines add up to:
-- entries are added to those of the last checkpoint, and what has settled is read by `audit_settled`.
with entry as (
    -- What came back has changed what is settled.
    select c.account_id, c.booked_minor, c.settled_minor + c.moved_minor as settled_minor
    from audit_scope as s
    cross join lateral (
        select k.account_id, k.booked_minor, k.settled_minor, k.moved_minor
        from payouts.account_checkpoints as k
        where k.account_id = s.id and k.entry_id <= %(since)s
        order by k.entry_id desc
        limit 1
    ) as c
    union all
    select e.account_id, case when is_booked then e.amount_minor else 0 end,
        case when is_booked then 0 else e.amount_minor end
    from payouts.entries as e
    join audit_scope as s on s.id = e.account_id
    -- An adjustment changes what is booked on a payee; a player's debt it settles.
    cross join lateral (
        select e.booking_id is not null or e.adjustment_id is not null and s.subject <> 'player' as is_booked
    ) as kind
    where e.id > %(since)s
), entered as (
    select account_id, sum(booked_minor) as booked_minor, sum(settled_minor) as settled_minor
    from entry
    group by account_id
), open as (
    select i.account_id, sum(i.amount_minor) as amount_minor
    from payouts.instructions as i
    where i.account_id in (select id from audit_scope) and i.billing_type not in ('charge_refund', 'payout_reversal')
        and i.status in ('held', 'pending', 'published', 'sending', 'unknown', 'waiting', 'rejected')
    group by i.account_id
), not_released as (
    select s.id as account_id, sum(f.amount_minor) as amount_minor
    from audit_scope as s
    join payouts.uncollected_fees as f on f.player_id = s.subject_id and f.currency = s.currency
    where s.subject = 'player'
    group by s.id
    union all
    select s.id, sum(share.amount_minor)
    from payouts.uncollected_shares as share
    join audit_scope as s
        on s.subject = share.billing_subject and s.subject_id = share.subject_id and s.currency = share.currency
    group by s.id
), payable as (
    select s.id as account_id, l.amount_minor
    from audit_scope as s
    -- Account by account: the platform's lines are never paid, and many.
    cross join lateral (
        select sum(each.amount_minor) as amount_minor
        from payouts.release_lines as each
        where each.account_id = s.id and each.payout_id is null
    ) as l
    where s.subject in ('club', 'organiser', 'partner')
), figure as (
    select a.id, a.currency, name, kept, recomputed
    from audit_scope as s
    join payouts.accounts as a on a.id = s.id
    left join entered as e on e.account_id = a.id
    left join open as o on o.account_id = a.id
    left join not_released as n on n.account_id = a.id
    left join payable as p on p.account_id = a.id
    cross join lateral (
        values
            ('booked, by its entries', a.booked_minor, s.debit * coalesce(e.booked_minor, 0)),
            ('settled, by its entries', a.settled_minor, -s.debit * coalesce(e.settled_minor, 0)),
            ('in flight, by its instructions', a.in_flight_minor, coalesce(o.amount_minor, 0)),
            (
                'released, by what of it is not',
                a.released_minor, s.debit * coalesce(e.booked_minor, 0) - coalesce(n.amount_minor, 0)
            ),
            (
                'released, by what of it is paid and payable',
                a.released_minor,
                case when a.subject in ('player', 'platform') then a.released_minor
                    else a.settled_minor + a.in_flight_minor + coalesce(p.amount_minor, 0) end
            )
    ) as figures (name, kept, recomputed)
)
select 'account' as kind, id::text as id,
    format('%%s: is %%s %%s and should be %%s', name, kept, currency, recomputed) as detail
from figure
where kept <> recomputed

-- name: audit_histories
-- Rule 7: accounts whose columns are not what all instructions and all release lines that they ever had add up to.
with settled as (
    select i.account_id, sum(i.amount_minor) as amount_minor
    from (
        select i.account_id, i.amount_minor
        from payouts.instructions as i
        where i.status = 'settled' and i.billing_type not in ('charge_refund', 'payout_reversal')
        union all
        select i.account_id, -r.amount_minor
        from payouts.returns as r
        join payouts.instructions as i on i.id = r.instruction_id
        union all
        select d.account_id, d.amount_minor
        from payouts.adjustments as d
        join audit_scope as s on s.id = d.account_id and s.subject = 'player'
    ) as i
    where i.account_id in (select id from audit_scope)
    group by i.account_id
), released as (
    select l.account_id, sum(l.amount_minor) as amount_minor
    from payouts.release_lines as l
    where l.account_id in (select id from audit_scope)
    group by l.account_id
), figure as (
    select a.id, a.currency, name, kept, recomputed
    from audit_scope as s
    join payouts.accounts as a on a.id = s.id
    left join settled as i on i.account_id = a.id
    left join released as r on r.account_id = a.id
    cross join lateral (
        values
            ('settled, by its instructions', a.settled_minor, coalesce(i.amount_minor, 0)),
            (
                'released, by its release lines',
                a.released_minor, case a.subject when 'player' then a.released_minor else coalesce(r.amount_minor, 0) end
            )
    ) as figures (name, kept, recomputed)
)
select 'account' as kind, id::text as id,
    format('%%s: is %%s %%s and should be %%s', name, kept, currency, recomputed) as detail
from figure
where kept <> recomputed

-- name: audit_checkpoints
-- Rule 7: checkpoints that are not what the entries between them and those before add up to, for each account and for
-- the ledger as a whole.
with cut as (
    select array_agg(distinct entry_id order by entry_id) as ids from payouts.checkpoints
), entry as (
    select width_bucket(e.id - 1, cut.ids) + 1 as number, e.account_id, e.currency, e.amount_minor,
        payouts.fingerprint(e) as fingerprint
    from payouts.entries as e
    cross join cut
    where e.id <= cut.ids[cardinality(cut.ids)]
), kept as (
    select 'account' as kind, account_id::text as id, entry_id, entries, booked_minor + settled_minor + moved_minor as amount_minor,
        fingerprint
    from payouts.account_checkpoints
    union all
    select 'ledger', currency, entry_id, entries, amount_minor, fingerprint from payouts.checkpoints
), kept_part as (
    select kind, id, array_position(cut.ids, entry_id) as number,
        entries - lag(entries, 1, 0::bigint) over before as entries,
        amount_minor - lag(amount_minor, 1, 0::bigint) over before as amount_minor,
        fingerprint - lag(fingerprint, 1, 0::numeric) over before as fingerprint
    from kept
    cross join cut
    window before as (partition by kind, id order by entry_id)
), part as (
    select 'account' as kind, account_id::text as id, number, count(*) as entries, sum(amount_minor) as amount_minor,
        sum(fingerprint) as fingerprint
    from entry
    group by account_id, number
    union all
    select 'ledger', currency, number, count(*), sum(amount_minor), sum(fingerprint) from entry group by currency, number
)
select kind, id,
    format(
        'of the entries %%s to %%s the checkpoint has %%s that add up to %%s, and the ledger %%s that add up to %%s: '
        'an entry was altered, added or taken away, or the checkpoint was',
        coalesce(cut.ids[number - 1], 0) + 1, cut.ids[number], coalesce(k.entries, 0), coalesce(k.amount_minor, 0),
        coalesce(p.entries, 0), coalesce(p.amount_minor, 0)
    ) as detail
from kept_part as k
full join part as p using (kind, id, number)
cross join cut
where (k.entries, k.amount_minor, k.fingerprint) is distinct from (p.entries, p.amount_minor::numeric, p.fingerprint)
    -- In a part in which a currency had no entries, its sums stay what they were.
    and not (p.entries is null and k.entries = 0 and k.amount_minor = 0 and k.fingerprint = 0)

-- name: audit_events
-- Rule 8: instructions whose history does not lead, by allowed steps, from nothing to where they stand.
with instruction as (
    select id, status from payouts.instructions where %(days)s::date[] is null or day = any(%(days)s)
), event as (
    select e.id, e.instruction_id, coalesce(e.from_status, '') as from_status, e.to_status,
        lag(e.to_status, 1, '') over (partition by e.instruction_id order by e.id) as status_before
    from payouts.events as e
    where e.instruction_id in (select id from instruction)
), last_event as (
    select distinct on (instruction_id) instruction_id, to_status from event order by instruction_id, id desc
)
select 'instruction' as kind, instruction_id::text as id,
    format('event %%s comes from ''%%s'' after ''%%s''', id, from_status, status_before) as detail
from event
where from_status <> status_before
union all
select 'instruction', instruction_id::text, format('event %%s from ''%%s'' to %%s is not allowed', id, from_status, to_status)
from event as e
where not exists (
    select from payouts.transitions as t where t.from_status = e.from_status and t.to_status = e.to_status
)
union all
select 'instruction', i.id::text, format('is %%s, and its last event says %%s', i.status, coalesce(l.to_status, 'nothing'))
from instruction as i
left join last_event as l on l.instruction_id = i.id
where l.to_status is distinct from i.status

-- name: audit_reasons
-- Rule 8: instructions that are not settled and don't say why.
select 'instruction' as kind, id::text as id, format('is %%s without a reason', status) as detail
from payouts.instructions
where status <> 'settled' and trim(coalesce(reason_code, '')) = ''
    and (%(days)s::date[] is null or day = any(%(days)s))

-- name: attempts_period
-- From when to when anything of the days was sent, and the time of now.
select min(a.first_sent_at), max(a.last_sent_at), clock_timestamp()
from payouts.attempts as a
join payouts.instructions as i on i.id = a.instruction_id
where %(days)s::date[] is null or i.day = any(%(days)s)

-- name: instructions_to_reconcile
-- What the ledger says of the instructions of the days, and of those that the provider names; `is_news` is what has
-- changed since the provider was asked.
select
    i.id::text as id, i.currency, i.amount_minor, i.status, i.provider_reference, i.status_at >= %(asked_at)s as is_news,
    array(
        select coalesce(a.stripe_account_id, a.stripe_customer_id) from payouts.attempts as a
        where a.instruction_id = i.id
    ) as payees
from payouts.instructions as i
where (%(days)s::date[] is null or i.day = any(%(days)s) or i.id::text = any(%(ids)s))
    -- What was given back is compared line by line with Stripe's journal.
    and i.billing_type not in ('charge_refund', 'payout_reversal')

-- name: settled_by_judgement
-- The movements by which a person has had instructions of the days settled; at the provider they may name no
-- instruction, or another one.
select distinct i.provider_reference, i.id::text, i.billing_type = 'player_charge'
from payouts.judgements as j
join payouts.instructions as i on i.id = j.instruction_id and i.provider_reference = j.provider_reference
where (%(days)s::date[] is null or i.day = any(%(days)s))
    and i.billing_type not in ('charge_refund', 'payout_reversal')

-- name: disowned_movements
-- The movements that by a person's judgement are not those of the instructions that they name.
select disowned, instruction_id::text from payouts.judgements where disowned is not null
