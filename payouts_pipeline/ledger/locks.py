"""Who waits for whom. Every transaction takes its locks in one order, so that none can deadlock.

The order: day, accounts of players by id, accounts of payees by id, instructions by id. Sessions have locks of their
own, which say that a day is being run, and who is alive.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date
from secrets import randbits
from threading import Event, Thread

import psycopg

from payouts_pipeline.domain.billing import Payee
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.database import Connection, scalar, sql

# Our advisory locks: any numbers will do, as long as nothing else in the database takes the same ones. Those of runs
# and holders are classes; the other half of their keys is the day's number, or one at random.
_MIGRATION_LOCK = 7_290_031
_RUN_LOCKS = 7_290_032
_HOLDER_LOCKS = 7_290_033
CHECKPOINT_LOCK = 7_290_034
_SYNC_LOCK = 7_290_035

_LOOK_EVERY_S = 0.5
_USED_EVERY_S = 20.0

Connect = Callable[[], AbstractContextManager[Connection]]


def lock_migrations(connection: Connection) -> None:
    """One migration at a time; until the transaction ends."""
    connection.execute(sql("lock_migrations"), {"lock": _MIGRATION_LOCK})


def lock_day(connection: Connection, day: date) -> None:
    """Wait for every other transaction that books or pays this day; until the transaction ends."""
    connection.execute(sql("lock_day"), {"day": day})
    connection.execute(sql("await_day"), {"day": day})


def lock_accounts_of_day(connection: Connection, day: date) -> None:
    """Lock every account that this day can move."""
    connection.execute(sql("lock_players_of_day"), {"day": day})
    lock_payees(connection)


def lock_payees(connection: Connection) -> None:
    """Lock all payees' accounts, after those of players."""
    connection.execute(sql("lock_payees"))


def lock_accounts_of(connection: Connection, payee: Payee) -> None:
    """Lock the accounts of one payee or player: no instruction of it is made or resumed meanwhile."""
    connection.execute(sql("lock_accounts_of_payee"), payee.parameters)


def lock_account(connection: Connection, account_id: int) -> None:
    """Lock one account, before its instructions."""
    connection.execute(sql("lock_account"), {"account_id": account_id})


@contextmanager
def only_run_of(connection: Connection, day: date, report: Callable[[str], None]) -> Iterator[None]:
    """Hold the day for this session, not for a transaction; a session that dies lets it go.

    It keeps two runs from doing the same work. That nobody is paid twice does not rest on it.
    """
    key = {"lock": _RUN_LOCKS, "day": day.toordinal()}
    if not scalar(connection, sql("try_run_lock"), key):
        report(f"{day} is being materialised by another run: waiting for it to end")
        while not scalar(connection, sql("try_run_lock"), key):
            time.sleep(_LOOK_EVERY_S)
    try:
        yield
    finally:
        # With a session that is gone, its locks are, too.
        with suppress(psycopg.OperationalError):
            connection.execute(sql("give_run_lock"), key)


@contextmanager
def only_sync(connection: Connection, *, waits: bool = True) -> Iterator[bool]:
    """Hold the reading of the provider's journal for this session; False where another has it and nobody waits."""
    key = {"lock": _SYNC_LOCK}
    while not (has_it := scalar(connection, sql("try_sync_lock"), key)) and waits:
        time.sleep(_LOOK_EVERY_S)
    try:
        yield has_it
    finally:
        if has_it:
            # With a session that is gone, its locks are, too.
            with suppress(psycopg.OperationalError):
                connection.execute(sql("give_sync_lock"), key)


@contextmanager
def only_holder_of(connect: Connect) -> Iterator[int]:
    """A number that is held until the end, or that of the process, and `was_let_go` tells of it.

    Its session has nothing else to do. What is in between may end it as idle, so it is used now and then; where it is
    lost all the same, the next one takes the number again.
    """
    number, is_held, is_over = randbits(31), Event(), Event()
    keeper = Thread(target=_keep, args=(connect, number, is_held, is_over), name="holder", daemon=True)
    keeper.start()
    try:
        is_held.wait()
        yield number
    finally:
        is_over.set()
        keeper.join()


def _keep(connect: Connect, number: int, is_held: Event, is_over: Event) -> None:
    while not is_over.is_set():
        with suppress(psycopg.OperationalError, PayoutsError), connect() as connection:
            connection.execute(sql("take_holder_lock"), {"lock": _HOLDER_LOCKS, "number": number})
            is_held.set()
            while not is_over.wait(_USED_EVERY_S):
                connection.execute(sql("backend"))
            connection.execute(sql("give_holder_lock"), {"lock": _HOLDER_LOCKS, "number": number})
        is_over.wait(_LOOK_EVERY_S)


def was_let_go(connection: Connection, number: int) -> bool:
    """Whether no session holds the number any more."""
    return bool(scalar(connection, sql("try_holder_lock"), {"lock": _HOLDER_LOCKS, "number": number}))


def ledger_name(connection: Connection) -> str:
    """What tells this ledger from others, also from those of the same name on another server."""
    return str(scalar(connection, sql("ledger_name"), {}))
