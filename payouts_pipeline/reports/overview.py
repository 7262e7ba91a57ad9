"""What the asset pages show of a day beside its status: what is open by name, and the figures of the charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from psycopg.rows import class_row

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.queries import sql
from payouts_pipeline.reports.status import Instruction

# The states that people tell apart at a glance. Whatever else there is continues automatically: it is `open`.
SETTLED, OPEN, HELD, REFUSED = "settled", "open", "held", "refused"
STATES = (SETTLED, OPEN, HELD, REFUSED)
_STATE_OF = {
    Status.SETTLED.value: SETTLED,
    Status.HELD.value: HELD,
    Status.WAITING.value: REFUSED,
    Status.REJECTED.value: REFUSED,
    # The platform's share of what was collected has arrived where it belongs.
    "kept": SETTLED,
}


def state_of(status: str) -> str:
    """Which of `STATES` a status (of an instruction, or of what is on none) comes down to."""
    return _STATE_OF.get(status, OPEN)


@dataclass(frozen=True)
class FlowLine:
    """A part of the day's fees: how far it is collected, whose it is, and how far it is paid out; ``count`` lines."""

    currency: str
    fee_status: str
    subject: str
    share_status: str
    count: int
    amount_minor: int


@dataclass(frozen=True)
class DayAmount:
    """What the instructions of one day, currency and status come to."""

    day: date
    currency: str
    status: str
    amount_minor: int


def open_instructions(connection: Connection, day: date, billing_types: Sequence[str], limit: int) -> list[Instruction]:
    """The instructions of a day that have not settled, what needs a person first; at most ``limit``."""
    parameters = {"day": day, "billing_types": list(billing_types), "limit": limit}
    with connection.cursor(row_factory=class_row(Instruction)) as cursor:
        return cursor.execute(sql("overview_open"), parameters).fetchall()


def flow(connection: Connection, day: date) -> list[FlowLine]:
    """From the fees of a day to whom they belong."""
    with connection.cursor(row_factory=class_row(FlowLine)) as cursor:
        return cursor.execute(sql("overview_flow"), {"day": day}).fetchall()


def last_days(connection: Connection, day: date, count: int, billing_types: Sequence[str]) -> list[DayAmount]:
    """What was asked for on the last ``count`` days up to ``day``, and where it stands now."""
    parameters = {
        "first_day": day - timedelta(days=count - 1),
        "last_day": day,
        "billing_types": list(billing_types),
    }
    with connection.cursor(row_factory=class_row(DayAmount)) as cursor:
        return cursor.execute(sql("overview_days"), parameters).fetchall()
