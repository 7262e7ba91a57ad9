"""What a transaction that will be undone has done to a day."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from payouts_pipeline.domain.reasons import WithReason
from payouts_pipeline.ledger.database import Connection, scalar, sql
from payouts_pipeline.ledger.proposals import Proposal


@dataclass(frozen=True)
class BookedFees:
    """What would be booked in one currency; amounts in minor units."""

    currency: str
    fees: int
    added_minor: int
    taken_back_minor: int


@dataclass(frozen=True, kw_only=True)
class Moved(WithReason):
    """Instructions that would be made, or go on, or be cancelled."""

    count: int
    amount_minor: int


@dataclass(frozen=True)
class Preview:
    """What materialising a day would do now; the payouts of what is yet to be collected come after its charges."""

    day: date
    proposal: Proposal | None
    fees: Sequence[BookedFees]
    instructions: Sequence[Moved]
    held_out: Sequence[tuple[str, int]]

    @property
    def is_empty(self) -> bool:
        """Whether it would do nothing at all."""
        return not (self.proposal or self.fees or self.instructions)


@contextmanager
def rehearsal(connection: Connection, *, is_meant: bool) -> Iterator[None]:
    """What is done inside is undone in the end, unless it is meant; so one sees what it would do."""
    if is_meant:
        yield
        return
    with connection.transaction(force_rollback=True):
        yield


def next_transaction(connection: Connection) -> None:
    """Begin what would be the second transaction, inside of the one that is undone."""
    connection.execute(sql("forget_temporary_tables"))


def last_event(connection: Connection) -> int:
    """The event after which those of a preview come."""
    return int(scalar(connection, sql("last_event"), {}))


def read(
    connection: Connection, day: date, actor: str, after_event: int
) -> tuple[list[BookedFees], list[Moved], list[tuple[str, int]]]:
    """What the actor has done since the event: to the day, and to the instructions of any."""
    which: dict[str, Any] = {"day": day, "actor": actor}
    fees = [BookedFees(*row) for row in connection.execute(sql("preview_fees"), which)]
    held_out = connection.execute(sql("preview_held_out"), which).fetchall()
    return fees, moved(connection, actor, after_event), held_out


def moved(connection: Connection, actor: str, after_event: int) -> list[Moved]:
    """The instructions of any day that the actor has made, resumed, held or cancelled since the event."""
    return [
        Moved(
            billing_type=billing_type, currency=currency, status=status, reason_code=code, reason_details=details,
            count=count, amount_minor=amount_minor,
        )
        for billing_type, currency, status, code, details, count, amount_minor in connection.execute(
            sql("preview_instructions"), {"actor": actor, "after_event": after_event}
        )
    ]  # fmt: skip
