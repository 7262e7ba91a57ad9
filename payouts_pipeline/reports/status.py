"""Where the money of a day is, and why it is not elsewhere: what `payouts status` and the asset pages show."""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from payouts_pipeline.domain.reasons import HELD_OUT, WithReason
from payouts_pipeline.ledger import proposals
from payouts_pipeline.ledger.database import Connection, scalar
from payouts_pipeline.ledger.database import sql as ledger_sql
from payouts_pipeline.ledger.proposals import Proposal
from payouts_pipeline.reports.queries import sql


@dataclass(frozen=True, kw_only=True)
class Line(WithReason):
    """Instructions of one kind in one state; status `open` is money that no instruction moves yet."""

    count: int
    amount_minor: int

    def as_json(self) -> dict[str, Any]:
        """With the sentence of the reason."""
        names = ("billing_type", "currency", "status", "reason", "count", "amount_minor")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class HeldOut:
    """How many fees can't be split for one reason."""

    reason: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Instruction(WithReason):
    """One instruction; ``payee`` as on the command line."""

    id: UUID
    day: date
    payee: str
    amount_minor: int
    retry_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """With the sentence of the reason, and the time in UTC."""
        names = ("payee", "billing_type", "currency", "amount_minor", "status", "reason")
        retry_at = self.retry_at.astimezone(UTC).isoformat(timespec="seconds") if self.retry_at else None
        return {"id": str(self.id), **{name: getattr(self, name) for name in names}, "retry_at": retry_at}


@dataclass(frozen=True)
class DayStatus:
    """A day as a person wants to see it; with each instruction that is not settled where that was asked for."""

    day: date
    instructions: list[Line]
    held_out: list[HeldOut]
    open_instructions: list[Instruction] | None = None
    is_booked: bool = True
    proposal: Proposal | None = None

    def as_json(self) -> dict[str, Any]:
        """The contract of `payouts status --json` for one day."""
        document: dict[str, Any] = {
            "day": self.day.isoformat(),
            "instructions": [line.as_json() for line in self.instructions],
            "held_out": [asdict(reason) for reason in self.held_out],
        }
        if self.proposal:
            document["proposal"] = self.proposal.as_json()
        if self.open_instructions is not None:
            document["open_instructions"] = [each.as_json() for each in self.open_instructions]
        return document


def day_status(connection: Connection, day: date) -> DayStatus:
    """Counts and amounts by billing type, currency, status and reason (its code and details)."""
    with connection.cursor(row_factory=class_row(Line)) as lines:
        return DayStatus(
            day,
            lines.execute(sql("status"), {"day": day}).fetchall(),
            held_out_of_day(connection, day),
            is_booked=bool(scalar(connection, ledger_sql("is_booked"), {"day": day})),
            proposal=proposals.find(connection, day),
        )


def held_out_of_day(connection: Connection, day: date) -> list[HeldOut]:
    """How many fees of a day can't be split, by reason."""
    return [HeldOut(HELD_OUT[code], count) for code, count in connection.execute(sql("status_held_out"), {"day": day})]


def with_open_instructions(connection: Connection, day: date) -> DayStatus:
    """The same, with each instruction that is not settled."""
    with connection.cursor(row_factory=class_row(Instruction)) as cursor:
        found = cursor.execute(sql("status_instructions"), {"day": day}).fetchall()
    return replace(day_status(connection, day), open_instructions=found)


def booked_days(connection: Connection) -> list[date]:
    """Every day that was materialised, in order."""
    return [row[0] for row in connection.execute(sql("status_days"))]


def booked_totals(connection: Connection, day: date) -> dict[str, dict[str, int]]:
    """Minor units booked of a day, by currency and billing subject; the player's are the fees."""
    totals: dict[str, dict[str, int]] = {}
    for currency, subject, amount_minor in connection.execute(sql("booked_totals"), {"day": day}):
        totals.setdefault(currency, {})[subject] = amount_minor
    return totals


def progress(connection: Connection, day: date) -> tuple[int, int]:
    """How many of a day's instructions are settled, and how many there are."""
    settled, total = connection.execute(sql("progress"), {"day": day}).fetchall()[0]
    return settled, total
