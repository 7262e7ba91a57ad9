-- What came back of settled instructions (refunds, disputes and reversals): what it takes back, and what is held since.

-- name: returns_to_enter
-- What is listed of settled instructions and not entered yet, oldest first; of one second what was taken before what came
-- again.
select id, instruction_id, billing_type, account_id, currency, instruction_currency, amount_minor, category, source_id
from payouts.returns_to_enter
order by created_at, (billing_type = 'player_charge') = (amount_minor > 0), id

-- name: assign_return
-- Notes that a balance transaction is entered: as a return, or as what can't be set against its instruction.
insert into payouts.assignments (transaction_id, assigned_to, instruction_id, reason_code, actor)
values (
    %(id)s, case when %(reason_code)s::text is null then 'return' else 'unassigned' end,
    case when %(reason_code)s::text is null then %(instruction_id)s::uuid end, %(reason_code)s, %(actor)s
)
on conflict (transaction_id) do nothing

-- name: enter_unassigned_return
-- Enters what is in another currency than its instruction, where somebody must look.
insert into payouts.entries (transaction_id, account_id, currency, amount_minor)
select t.id, a.id, t.currency, side.amount_minor
from payouts.balance_transactions as t
cross join lateral (values ('provider', t.net_minor), ('unassigned', -t.net_minor)) as side (subject, amount_minor)
join payouts.accounts as a on a.subject = side.subject and a.subject_id = 0 and a.currency = t.currency
where t.id = %(id)s and side.amount_minor <> 0

-- name: days_of_return
-- The days whose fees or payouts a return changes, in the order of their locks.
select day from payouts.instructions where id = %(instruction_id)s
union
select day from payouts.fees where charge_id = %(instruction_id)s
order by day

-- name: day_of_instruction
-- The day that an instruction is of.
select day from payouts.instructions where id = %(instruction_id)s

-- name: subject_of_account
-- Which player, or which payee, an account is of.
select subject_id from payouts.accounts where id = %(account_id)s

-- name: collected_by_charge
-- What can be taken back: for each fee that the charge covers, how much of it this charge has collected and still has, and
-- the shares that are collected of the fee, whatever has collected them. What a correction has made of it is a credit, which
-- may have paid for other fees since.
with covered as (
    select f.day, f.match_id, f.match_player_id, f.player_id, f.currency, sum(f.amount_minor) as amount_minor
    from payouts.fees as f
    where f.charge_id = %(instruction_id)s
    group by f.day, f.match_id, f.match_player_id, f.player_id, f.currency
), returned as (
    select f.day, f.match_id, f.match_player_id, f.player_id, f.currency, sum(f.amount_minor) as amount_minor
    from payouts.returns as r
    join payouts.bookings as b on b.return_id = r.transaction_id
    join covered as c on c.day = b.day
    join payouts.fees as f
        on f.booking_id = b.id and f.day = c.day and f.player_id = c.player_id
        and f.match_player_id = c.match_player_id and f.match_id = c.match_id and f.currency = c.currency
    where r.instruction_id = %(instruction_id)s and sign(f.amount_minor) = -sign(r.amount_minor)
    group by f.day, f.match_id, f.match_player_id, f.player_id, f.currency
), collected as (
    select f.day, f.match_id, f.match_player_id, f.player_id, f.currency, f.club_id, f.organiser_id, f.allocation_id
    from covered as c
    join payouts.fees as f using (day, match_id, match_player_id, player_id, currency)
    left join payouts.instructions as i on i.id = f.charge_id
    where f.own_release_id is not null or i.status = 'settled'
)
select c.day, c.match_id, c.match_player_id, c.player_id, c.currency,
    least(
        c.amount_minor + coalesce(r.amount_minor, 0),
        sum(sum(l.amount_minor)) over (
            partition by c.day, c.match_id, c.match_player_id, c.player_id, c.currency
        )
    )::bigint as fee_minor,
    l.billing_subject,
    case l.billing_subject when 'club' then f.club_id when 'organiser' then f.organiser_id else l.partner_id end
        as subject_id,
    sum(l.amount_minor)::bigint as amount_minor
from covered as c
left join returned as r using (day, match_id, match_player_id, player_id, currency)
join collected as f using (day, match_id, match_player_id, player_id, currency)
join payouts.allocation_lines as l on l.allocation_id = f.allocation_id
group by c.day, c.match_id, c.match_player_id, c.player_id, c.currency, c.amount_minor, r.amount_minor, 7, 8
order by 1, 3, 2

-- name: named_by_order
-- The fees of which an operator has asked that this be given back.
select f.day, f.match_id, f.match_player_id, f.player_id, f.currency, f.amount_minor
from payouts.return_order_transactions as x
join payouts.return_order_fees as f on f.instruction_id = x.instruction_id
where x.transaction_id = %(id)s
order by f.day, f.match_player_id, f.match_id

-- name: held_of_charge
-- What can be brought back: for each fee of which returns of this charge are held, how much of it they hold, and the
-- shares of what is open of it.
with held as (
    select f.day, f.match_id, f.match_player_id, f.player_id, f.currency, sum(f.amount_minor) as amount_minor
    from payouts.returns as r
    join payouts.instructions as i on i.id = r.instruction_id
    join payouts.accounts as a on a.id = i.account_id
    join payouts.fees as f
        on f.held_return_id = r.transaction_id and f.player_id = a.subject_id and f.currency = a.currency
    where r.instruction_id = %(instruction_id)s
    group by f.day, f.match_id, f.match_player_id, f.player_id, f.currency
), open as (
    select f.*
    from held as h
    join payouts.held_fees as f using (day, match_id, match_player_id, player_id, currency)
), left_of_fee as (
    select day, match_id, match_player_id, player_id, currency, sum(amount_minor) as amount_minor
    from open
    group by day, match_id, match_player_id, player_id, currency
)
select h.day, h.match_id, h.match_player_id, h.player_id, h.currency,
    least(h.amount_minor, o.amount_minor)::bigint as fee_minor, l.billing_subject,
    case l.billing_subject when 'club' then f.club_id when 'organiser' then f.organiser_id else l.partner_id end
        as subject_id,
    sum(l.amount_minor)::bigint as amount_minor
from held as h
join left_of_fee as o using (day, match_id, match_player_id, player_id, currency)
join open as f using (day, match_id, match_player_id, player_id, currency)
join payouts.allocation_lines as l on l.allocation_id = f.allocation_id
group by 1, 2, 3, 4, 5, 6, 7, 8
order by 1, 3, 2

-- name: standing_of_player
-- What an account owes that no open fee stands for, and how much of that is held since earlier returns.
select
    (
        a.booked_minor - a.in_flight_minor - a.settled_minor
        - coalesce((
            select sum(f.amount_minor)
            from payouts.fees as f
            where f.player_id = a.subject_id and f.currency = a.currency
                and f.charge_id is null and f.own_release_id is null
        ), 0)
    )::bigint,
    coalesce((
        select sum(r.beyond_minor)
        from payouts.returns as r
        join payouts.instructions as i on i.id = r.instruction_id
        where i.account_id = a.id and r.beyond_minor <> 0 and r.lifted_at is null
    ), 0)::bigint
from payouts.accounts as a
where a.id = %(account_id)s

-- name: insert_return
-- Notes a return; the database enters it on the accounts.
insert into payouts.returns (transaction_id, instruction_id, amount_minor, beyond_minor, actor)
values (%(id)s, %(instruction_id)s, %(amount_minor)s, %(beyond_minor)s, %(actor)s)

-- name: insert_return_booking
-- Opens a booking of a return: one of what it takes back, or of what is open since.
insert into payouts.bookings (day, actor, return_id) values (%(day)s, %(actor)s, %(id)s) returning id

-- name: insert_return_release
-- Opens a release of a return, on the day of its instruction.
insert into payouts.releases (day, actor, return_id)
select day, %(actor)s, %(id)s from payouts.instructions where id = %(instruction_id)s
returning id

-- name: insert_return_fees
-- Writes the fees of the bookings of a return.
insert into payouts.fees (
    booking_id, day, match_id, match_player_id, player_id, currency, amount_minor, allocation_id, club_id, organiser_id,
    own_release_id, held_return_id
)
select
    booking_id, day, match_id, match_player_id, player_id, currency, amount_minor, allocation_id, club_id, organiser_id,
    own_release_id, held_return_id
from jsonb_to_recordset(%(fees)s::jsonb) as t (
    booking_id bigint, day date, match_id bigint, match_player_id bigint, player_id bigint, currency text,
    amount_minor bigint, allocation_id uuid, club_id bigint, organiser_id bigint, own_release_id bigint,
    held_return_id text
)
order by day, player_id, match_player_id, match_id, currency, booking_id

-- name: post_return_bookings
-- Enters the bookings of a return into the ledger: what is taken back and what is open again cancel each other out.
insert into payouts.entries (booking_id, account_id, currency, amount_minor)
select line.booking_id, a.id, line.currency, sum(line.amount_minor)
from (
    select f.booking_id, 'player' as subject, f.player_id as subject_id, f.currency, f.amount_minor
    from payouts.bookings as b
    join payouts.fees as f on f.day = b.day and f.player_id = %(player_id)s and f.booking_id = b.id
    where b.return_id = %(id)s
    union all
    select s.booking_id, s.billing_subject, s.subject_id, s.currency, -s.amount_minor
    from payouts.bookings as b
    join payouts.shares as s on s.day = b.day and s.player_id = %(player_id)s and s.booking_id = b.id
    where b.return_id = %(id)s
) as line
join payouts.accounts as a
    on a.subject = line.subject and a.subject_id = line.subject_id and a.currency = line.currency
group by line.booking_id, a.id, line.currency
having sum(line.amount_minor) <> 0
order by line.booking_id, a.id

-- name: release_return
-- What the release of a return takes from each payee, or gives back.
insert into payouts.release_lines (release_id, account_id, amount_minor)
select f.own_release_id, a.id, sum(l.amount_minor)
from payouts.fees as f
join payouts.allocation_lines as l on l.allocation_id = f.allocation_id
join payouts.accounts as a
    on a.subject = l.billing_subject and a.currency = f.currency
    and a.subject_id = case l.billing_subject
        when 'club' then f.club_id when 'organiser' then f.organiser_id else l.partner_id end
where f.own_release_id = %(release_id)s
group by f.own_release_id, a.id
having sum(l.amount_minor) <> 0
order by a.id

-- name: add_return_released
-- The same on the accounts: of payees by the lines, of the player by the fees.
update payouts.accounts as a
set released_minor = a.released_minor + changed.amount_minor
from (
    select account_id, amount_minor from payouts.release_lines where release_id = %(release_id)s
    union all
    select %(account_id)s, sum(amount_minor)
    from payouts.fees
    where own_release_id = %(release_id)s
    having count(*) > 0
) as changed
where a.id = changed.account_id

-- name: close_held
-- Lets go of fees of which nothing is open any more, since all of it was brought back.
update payouts.fees as f
set own_release_id = %(release_id)s, held_return_id = null
where f.charge_id is null and f.own_release_id is null and f.player_id = %(player_id)s and f.currency = %(currency)s
    and (f.day, f.match_player_id, f.match_id) in (
        select h.day, h.match_player_id, h.match_id
        from payouts.held_fees as h
        join payouts.allocation_lines as l on l.allocation_id = h.allocation_id
        where h.player_id = %(player_id)s and h.currency = %(currency)s
        group by h.day, h.match_player_id, h.match_id
        having bool_and(true) and not exists (
            select
            from payouts.held_fees as open
            join payouts.allocation_lines as o on o.allocation_id = open.allocation_id
            where open.day = h.day and open.match_player_id = h.match_player_id and open.match_id = h.match_id
                and open.player_id = %(player_id)s and open.currency = %(currency)s
            group by o.billing_subject, o.partner_id, open.club_id, open.organiser_id
            having sum(o.amount_minor) <> 0
        )
    )

-- name: insert_return_line
-- A line of a reversal: what its payout has not paid after all, or what is payable again.
insert into payouts.release_lines (release_id, account_id, amount_minor, payout_id, held_return_id)
values (%(release_id)s, %(account_id)s, %(amount_minor)s, %(payout_id)s, %(held_return_id)s)

-- name: lift_held_fees
-- What was taken back of a player's fees may be asked for again.
update payouts.fees set held_return_id = null
where held_return_id is not null and player_id = %(subject_id)s and %(subject)s = 'player'

-- name: lift_held_lines
-- What was taken back of a payee's payouts may be paid again.
update payouts.release_lines as l
set held_return_id = null
from payouts.accounts as a
where a.id = l.account_id and a.subject = %(subject)s and a.subject_id = %(subject_id)s and l.held_return_id is not null

-- name: lift_returns
-- Notes when a person has lifted what is held since returns of a payee; of which days that is.
update payouts.returns as r
set lifted_at = clock_timestamp()
from payouts.instructions as i
join payouts.accounts as a on a.id = i.account_id
where i.id = r.instruction_id and a.subject = %(subject)s and a.subject_id = %(subject_id)s and r.lifted_at is null
returning r.transaction_id

-- name: held_since_returns
-- What of a payee is held since it was taken back: by currency, in minor units.
select currency, sum(amount_minor)::bigint
from (
    select h.currency, h.amount_minor
    from payouts.held_players as h
    where h.player_id = %(subject_id)s and %(subject)s = 'player'
    union all
    select a.currency, h.amount_minor
    from payouts.held_payouts as h
    join payouts.accounts as a on a.id = h.account_id
    where a.subject = %(subject)s and a.subject_id = %(subject_id)s
) as held
group by currency
having sum(amount_minor) <> 0
order by currency

-- name: funds_short
-- Rule 13: currencies in which more is paid or to be paid than was collected and not returned. What is collected and not
-- paid out is what the entries of settlements and returns have left on our own accounts: those of all add up to zero.
with since as (
    select coalesce(max(entry_id), 0) as entry_id from payouts.checkpoints
), ours as (
    select id, currency from payouts.accounts where subject in ('provider', 'provider_fees', 'own_funds', 'unassigned', 'write_offs')
), kept as (
    select o.currency, c.settled_minor + c.moved_minor as amount_minor
    from ours as o
    cross join since
    cross join lateral (
        select * from payouts.account_checkpoints as k
        where k.account_id = o.id and k.entry_id <= since.entry_id
        order by k.entry_id desc
        limit 1
    ) as c
    union all
    select o.currency, e.amount_minor
    from payouts.entries as e
    join ours as o on o.id = e.account_id
    where e.id > (select entry_id from since) and e.booking_id is null
), held as (
    select currency, sum(amount_minor) as amount_minor from kept group by currency
), wanted as (
    -- Less what payees owe back and work off: for that no other payee waits.
    select currency,
        sum(in_flight_minor) - sum(greatest(in_flight_minor + settled_minor - released_minor, 0)) as amount_minor
    from payouts.accounts
    where subject in ('club', 'organiser', 'partner')
    group by currency
)
select w.currency, coalesce(h.amount_minor, 0)::bigint, w.amount_minor::bigint
from wanted as w
left join held as h using (currency)
where w.amount_minor > coalesce(h.amount_minor, 0) and w.amount_minor > 0
order by w.currency
