"""Which days would move, or be booked differently, if they were materialised now; so that nobody has to remember them.

A change in `league` is found in two steps, so that looking every few minutes is cheap. One query there and one in the
ledger give each day a text of its state; only days whose text is new are read, split and compared with what is booked.
"""

import hashlib
from datetime import date
from zoneinfo import ZoneInfo

from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import bookings, instructions
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.workflow.resume import find_moving


def days_due(connection: Connection, source: Connection) -> dict[date, str]:
    """The days of which something can continue, each with a text that changes when that does."""
    due = instructions.days_due(connection)
    moving = find_moving(connection, source, None)
    for day, rows in moving.groupby("day"):
        texts = sorted(rows["id"] + rows["old_status"] + rows["reason_code"] + rows["reason_details"])
        fixed = hashlib.sha256(" ".join(texts).encode()).hexdigest()
        key = date.fromisoformat(str(day))
        due[key] = due.get(key, "") + fixed[:32]
    return dict(sorted(due.items()))


def day_states(
    ledger: Connection, source: Connection, first_day: date, last_day: date, timezone: ZoneInfo
) -> dict[date, str]:
    """The days of the period that were booked, each with a text that changes when its source or its booking does."""
    booked = bookings.booked_states(ledger, first_day, last_day)
    found = reader.fingerprints(source, list(booked), timezone)
    return {day: f"{state} {found.get(day, 'no fees')}" for day, state in booked.items()}


def differs(ledger: Connection, source: Connection, day: date, timezone: ZoneInfo) -> bool:
    """Whether materialising the day now would book something, or hold out another fee or for another reason.

    Exact, where a new text only says that something has moved: the day may have been booked since it did.
    """
    return bookings.differs(ledger, day, split(reader.fees_of_day(source, day, timezone)))
