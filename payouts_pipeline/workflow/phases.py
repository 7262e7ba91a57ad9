"""The two transactions that move a day forward, each all or nothing and safe to repeat any number of times."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from payouts_pipeline.failpoints import Failpoint, failpoint
from payouts_pipeline.ledger import instructions
from payouts_pipeline.ledger.bookings import book, lock_accounts, lock_day
from payouts_pipeline.ledger.calendar import keep_timezone
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.instructions import NO_LIMITS
from payouts_pipeline.workflow.resume import resume


@dataclass(frozen=True)
class Progress:
    """What a stage changed: lines booked, instructions made or taken up again, fees whose shares were released."""

    fee_components: int = 0
    instructions: int = 0
    fees_released: int = 0


def open_charges(
    connection: Connection,
    source: Connection,
    day: date,
    splits: pd.DataFrame,
    actor: str,
    approval_above_minor: Mapping[str, int] = NO_LIMITS,
    timezone: str | None = None,
) -> Progress:
    """Book the day and make its charges.

    What a credit pays for is released before the charges are made, so that nobody is charged for it. Raises
    PayoutsError where the ledger is booked in another ``timezone``.
    """
    resuming = resume(connection, source, day, actor)
    with failpoint(Failpoint.BOOK_DAY), connection.transaction():
        if timezone:
            keep_timezone(connection, timezone)
        lock_day(connection, day)
        booking = book(connection, day, splits, actor)
        if booking.id is None:
            # A booking has them locked by now; twice would be out of order.
            lock_accounts(connection, day)
        instructions.cancel_charges(connection, day, actor)
        released = instructions.release_collected_fees(connection, day, actor)
        made = instructions.make_charges(connection, source, day, actor, approval_above_minor)
    return Progress(booking.lines, resuming + made, released)


def open_payouts(
    connection: Connection,
    source: Connection,
    day: date,
    minimums_minor: Mapping[str, int],
    actor: str,
    approval_above_minor: Mapping[str, int] = NO_LIMITS,
) -> Progress:
    """Release what was collected and make the payouts of it."""
    resuming = resume(connection, source, day, actor)
    with failpoint(Failpoint.RELEASE_DAY), connection.transaction():
        lock_day(connection, day)
        lock_accounts(connection, day)
        released = instructions.release_collected_fees(connection, day, actor)
        instructions.cancel_payouts(connection, day, actor)
        made = instructions.make_payouts(connection, source, day, minimums_minor, actor, approval_above_minor)
    return Progress(instructions=resuming + made, fees_released=released)
