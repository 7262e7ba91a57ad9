"""Locks of sessions: one run for each day at a time, where a second one waits and does not fail; and who is alive."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from secrets import randbits

from payouts_pipeline.ledger.database import Connection, scalar, sql

# The classes of our advisory locks; the other half of the key is the day's number, or one at random.
_RUN_LOCKS = 7_290_032
_HOLDER_LOCKS = 7_290_033


@contextmanager
def only_run_of(connection: Connection, day: date, report: Callable[[str], None]) -> Iterator[None]:
    """Hold the day for this session, not for a transaction; a session that dies lets it go.

    It keeps two runs from doing the same work. That nobody is paid twice does not rest on it.
    """
    key = {"lock": _RUN_LOCKS, "day": day.toordinal()}
    if not scalar(connection, sql("try_run_lock"), key):
        report(f"{day} is being materialised by another run: waiting for it to end")
        connection.execute(sql("take_run_lock"), key)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(sql("give_run_lock"), key)


@contextmanager
def only_holder_of(connection: Connection) -> Iterator[int]:
    """A number that is held for this session; one that dies lets it go, and `was_let_go` tells of it."""
    number = randbits(31)
    key = {"lock": _HOLDER_LOCKS, "number": number}
    connection.execute(sql("take_holder_lock"), key)
    try:
        yield number
    finally:
        if not connection.closed:
            connection.execute(sql("give_holder_lock"), key)


def was_let_go(connection: Connection, number: int) -> bool:
    """Whether no session holds the number any more."""
    return bool(scalar(connection, sql("try_holder_lock"), {"lock": _HOLDER_LOCKS, "number": number}))


def ledger_name(connection: Connection) -> str:
    """What tells this ledger from others, also from those of the same name on another server."""
    return str(scalar(connection, sql("ledger_name"), {}))
