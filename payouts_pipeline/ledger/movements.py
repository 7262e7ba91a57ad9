"""What the provider has of this ledger, and the ledger did not know (rule of money 14)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from psycopg.rows import class_row

from payouts_pipeline.failpoints import Failpoint, failpoint
from payouts_pipeline.ledger.database import Connection, scalar, sql

# A call is made within this after its attempt was committed, or never (`worker.LEASE_S`, with room for a slow answer).
_SENT_WITHIN = timedelta(minutes=2)

State = Literal["adopted", "not_moved", "waiting", "needs_person"]


@dataclass(frozen=True)
class FoundMovement:
    """A payment intent or transfer with this ledger's id, as the provider lists it."""

    reference: str
    kind: str
    instruction_id: UUID | None
    attempt: int | None
    day: str | None
    billing_type: str | None
    amount_minor: int
    currency: str
    payee: str | None
    status: str
    created_at: datetime


@dataclass(frozen=True)
class Kept:
    """A movement that the ledger did not know, and what became of it."""

    provider_reference: str
    kind: str
    instruction_id: UUID | None
    day: str | None
    billing_type: str | None
    amount_minor: int
    currency: str
    status: str
    state: State


def newest_attempt_at(connection: Connection) -> datetime | None:
    """When the last attempt was opened; None for a ledger that has never sent anything."""
    found: datetime | None = scalar(connection, sql("newest_attempt"), {})
    return found


def unknown_of(connection: Connection, found: Sequence[FoundMovement]) -> tuple[list[FoundMovement], bool]:
    """Those that the ledger does not know; and whether all that are older than these are known.

    An attempt is committed before its call. So one of the ledger's own movements whose attempt is older than the newest
    by more than a call can take was made before anything that the ledger can have lost.
    """
    asked = {"movements": _as_json(found), "newest": newest_attempt_at(connection), "sent_within": _SENT_WITHIN}
    rows = connection.execute(sql("known_movements"), asked).fetchall()
    known = {reference for reference, is_known, _ in rows if is_known}
    return [each for each in found if each.reference not in known], any(is_old for _, _, is_old in rows)


def keep(connection: Connection, found: Sequence[FoundMovement], actor: str) -> int:
    """Keep what the ledger did not know; how many that were."""
    with failpoint(Failpoint.KEEP_MOVEMENTS), connection.transaction():
        return connection.execute(sql("keep_movements"), {"movements": _as_json(found), "actor": actor}).rowcount


def wake(connection: Connection, today: Sequence[Mapping[str, Any]], actor: str) -> list[UUID]:
    """Let instructions that were found at the provider be judged now; the ids of all that can be.

    ``today``: what is blocked although its money has moved, by id, with the Stripe ids that `league` has now.
    """
    with failpoint(Failpoint.WAKE_MOVED), connection.transaction():
        connection.execute(sql("wake_moved"), {"today": json.dumps(today), "actor": actor})
        connection.execute(sql("ask_again_now"))
        return [found for (found,) in connection.execute(sql("open_with_movements"))]


def states(connection: Connection) -> list[Kept]:
    """All that was ever kept, oldest first."""
    with connection.cursor(row_factory=class_row(Kept)) as cursor:
        return cursor.execute(sql("movement_states")).fetchall()


def _as_json(found: Sequence[FoundMovement]) -> str:
    rows: list[dict[str, Any]] = [asdict(each) for each in found]
    return json.dumps(rows, default=str)
