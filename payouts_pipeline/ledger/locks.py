"""One run for each day at a time: a second one waits for the first, it does not fail."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

from payouts_pipeline.ledger.database import Connection, scalar, sql

# The class of our advisory locks; the day's number is the other half of the key.
_RUN_LOCKS = 7_290_032


@contextmanager
def only_run_of(connection: Connection, day: date, report: Callable[[str], None]) -> Iterator[None]:
    """Hold the day for this session, not for a transaction; a session that dies lets it go.

    It keeps two runs from doing the same work. That nobody is paid twice does not rest on it.
    """
    key = {"lock": _RUN_LOCKS, "day": day.toordinal()}
    if not scalar(connection, "try_run_lock", key):
        report(f"{day} is being materialised by another run: waiting for it to end")
        connection.execute(sql("take_run_lock"), key)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(sql("give_run_lock"), key)
