-- Checkpoints: sums of the entries that an auditor has seen, so that the next one begins after them.

-- name: entries_since_checkpoint
-- The last entry that a run has made, and about how many there are after the last checkpoint. What is brought in from the
-- provider comes at other times, and a day that is materialised again is to find what it found before.
select e.id, e.id - coalesce((select max(c.entry_id) from payouts.checkpoints as c), 0)
from payouts.entries as e
where e.transaction_id is null and e.adjustment_id is null
order by e.id desc
limit 1

-- name: entry_writers
-- The transactions that may have entries which nobody else can see yet: a lock from before their first one to their end.
select coalesce(array_agg(distinct virtualtransaction), '{}')
from pg_locks
where relation = 'payouts.entries'::regclass and mode = 'RowExclusiveLock' and pid is distinct from pg_backend_pid()
    and database = (select oid from pg_database where datname = current_database())

-- name: try_checkpoint_lock
-- Whether nobody else is writing a checkpoint; nobody will until this transaction ends.
select pg_try_advisory_xact_lock(%(lock)s)

-- name: write_account_checkpoints
-- The sums of each account on which something was entered since the checkpoint before: those of then, and what came.
with since as (
    select coalesce(max(entry_id), 0) as entry_id from payouts.checkpoints
), entered as (
    select e.account_id, count(*) as entries,
        -- An adjustment changes what is booked on a payee; a player's debt it settles.
        coalesce(sum(e.amount_minor) filter (
            where e.booking_id is not null
                or e.adjustment_id is not null and a.subject in ('club', 'organiser', 'partner')
        ), 0) as booked_minor,
        coalesce(sum(e.amount_minor) filter (where e.instruction_id is not null), 0) as settled_minor,
        coalesce(sum(e.amount_minor) filter (
            where e.transaction_id is not null
                or e.adjustment_id is not null and a.subject not in ('club', 'organiser', 'partner')
        ), 0) as moved_minor,
        sum(payouts.fingerprint(e)) as fingerprint
    from payouts.entries as e
    join payouts.accounts as a on a.id = e.account_id
    where e.id > (select entry_id from since) and e.id <= %(entry_id)s
    group by e.account_id
)
insert into payouts.account_checkpoints (
    account_id, entry_id, entries, booked_minor, settled_minor, moved_minor, fingerprint
)
select
    e.account_id, %(entry_id)s, e.entries + coalesce(c.entries, 0), e.booked_minor + coalesce(c.booked_minor, 0),
    e.settled_minor + coalesce(c.settled_minor, 0), e.moved_minor + coalesce(c.moved_minor, 0),
    e.fingerprint + coalesce(c.fingerprint, 0)
from entered as e
left join lateral (
    select * from payouts.account_checkpoints as a where a.account_id = e.account_id order by a.entry_id desc limit 1
) as c on true
order by e.account_id

-- name: write_checkpoint
-- The sums of the whole ledger, by currency; after those of the accounts, which look at the checkpoint before.
with since as (
    select coalesce(max(entry_id), 0) as entry_id from payouts.checkpoints
), entered as (
    select c.currency, c.entries, c.amount_minor, c.fingerprint
    from payouts.checkpoints as c
    where c.entry_id = (select entry_id from since)
    union all
    select e.currency, 1, e.amount_minor, payouts.fingerprint(e)
    from payouts.entries as e
    where e.id > (select entry_id from since) and e.id <= %(entry_id)s
)
insert into payouts.checkpoints (entry_id, currency, entries, amount_minor, fingerprint)
select %(entry_id)s, currency, sum(entries), sum(amount_minor), sum(fingerprint)
from entered
group by currency
having %(entry_id)s > (select entry_id from since)
