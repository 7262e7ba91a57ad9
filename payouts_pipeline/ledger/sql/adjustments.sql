-- Adjustments: debts that are written off, and balances that move to another payee.

-- name: adjustable_accounts
-- The accounts of a player or payee, with what is open and held on each, and whether any of it is on its way.
select
    a.id, a.currency,
    case
        when a.subject = 'player' then a.booked_minor - a.settled_minor - a.in_flight_minor
        else a.released_minor - a.settled_minor - a.in_flight_minor
    end as open_minor,
    coalesce(
        case
            when a.subject = 'player' then (
                select h.amount_minor from payouts.held_players as h
                where h.player_id = a.subject_id and h.currency = a.currency
            )
            else (select h.amount_minor from payouts.held_payouts as h where h.account_id = a.id)
        end, 0
    ) as held_minor,
    (
        select i.id from payouts.instructions as i
        where i.account_id = a.id and i.status not in ('settled', 'cancelled')
        limit 1
    ) as on_its_way,
    -- Collected and not released yet, or asked to be given back and not listed yet: what is open is about to change.
    exists (
        select
        from payouts.charges_to_release as t
        join payouts.instructions as i on i.id = t.charge_id
        where i.account_id = a.id
    ) or exists (
        select
        from payouts.return_orders_under_way as u
        join payouts.instructions as i on i.id = u.instruction_id
        where i.account_id = a.id and u.amount_minor > 0
    ) as is_changing
from payouts.accounts as a
where a.subject = %(subject)s and a.subject_id = %(subject_id)s
order by a.currency

-- name: insert_adjustment
-- Notes it; the database enters it on the accounts.
insert into payouts.adjustments (account_id, to_account_id, currency, amount_minor, actor, reason)
values (%(account_id)s, %(to_account_id)s, %(currency)s, %(amount_minor)s, %(actor)s, %(reason)s)

-- name: same_write_off
-- Who has written off the very same amount of an account last.
select actor, at
from payouts.adjustments
where account_id = %(account_id)s and to_account_id is null and amount_minor = %(amount_minor)s
order by id desc
limit 1

-- name: lift_written_off
-- What was taken back of a player in a currency is held no longer: it is paid for.
update payouts.fees set held_return_id = null
where held_return_id is not null and player_id = %(subject_id)s and currency = %(currency)s

-- name: lift_returns_written_off
-- The same of the returns themselves.
update payouts.returns as r
set lifted_at = clock_timestamp()
from payouts.instructions as i
where i.id = r.instruction_id and i.account_id = %(account_id)s and r.lifted_at is null

-- name: make_account
-- The account to which a balance moves, if it has none in the currency.
insert into payouts.accounts (subject, subject_id, currency)
values (%(subject)s, %(subject_id)s, %(currency)s)
on conflict (subject, subject_id, currency) do nothing

-- name: account_of
-- The account of a payee in a currency.
select id
from payouts.accounts
where subject = %(subject)s and subject_id = %(subject_id)s and currency = %(currency)s
for no key update
