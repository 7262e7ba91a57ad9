-- Who waits for whom. Every transaction takes its locks in one order, so that none can deadlock: day, players by id,
-- payees by id, instructions by id.

-- name: lock_day
-- Takes the lock under which a day is booked, and makes the day's row the first time.
insert into payouts.days (day) values (%(day)s) on conflict (day) do nothing

-- name: await_day
-- Waits until no other transaction books or pays this day.
select day from payouts.days where day = %(day)s for update

-- name: lock_account
-- Locks one account, before its instructions.
select id from payouts.accounts where id = %(account_id)s for no key update

-- name: lock_accounts_of_payee
-- Locks the accounts of one payee, in the order of their ids: no instruction of it is made or resumed meanwhile.
select id from payouts.accounts where subject = %(subject)s and subject_id = %(subject_id)s order by id
for no key update

-- name: lock_players_of_day
-- Locks the accounts of all players with fees on this day, in the order of their ids. Every transaction takes its
-- locks in one order, so that none can deadlock: day, players by id, payees by id, instructions by id.
select count(*)
from (
    select a.id
    from payouts.accounts as a
    where a.subject = 'player'
        and (a.subject_id, a.currency) in (select player_id, currency from payouts.fees where day = %(day)s)
    order by a.id
    for no key update
) as locked

-- name: lock_payees
-- Locks all payees' accounts, in the order of their ids: they are few, and a day may release fees of other days,
-- so that which ones it needs is known too late to lock just those in order.
select a.id
from payouts.accounts as a
where a.subject in ('club', 'organiser', 'partner', 'platform')
order by a.id
for no key update

-- name: try_run_lock
-- Takes the run lock of a day for this session if nobody has it.
select pg_try_advisory_lock(%(lock)s, %(day)s)

-- name: give_run_lock
-- Gives the run lock of a day back.
select pg_advisory_unlock(%(lock)s, %(day)s)

-- name: take_holder_lock
-- Takes a number for this session, which gives it back by ending.
select pg_advisory_lock(%(lock)s, %(number)s)

-- name: try_holder_lock
-- Whether nobody has the number; if so, it is taken for no longer than this statement.
select pg_try_advisory_xact_lock(%(lock)s, %(number)s)

-- name: give_holder_lock
-- Gives a number of this session back.
select pg_advisory_unlock(%(lock)s, %(number)s)

-- name: lock_migrations
-- One migration at a time; until the transaction ends.
select pg_advisory_xact_lock(%(lock)s)

-- name: try_sync_lock
-- Takes for this session the one reading of the provider's journal, if nobody has it.
select pg_try_advisory_lock(%(lock)s)

-- name: give_sync_lock
-- Gives it back.
select pg_advisory_unlock(%(lock)s)
