"""The transactional outbox: an instruction that is committed and unpublished is the message that is to be sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.failpoints import Failpoint, failpoint
from payouts_pipeline.ledger.database import Connection, scalar, sql

# As long as a run may take between two of its transactions. A message that nobody has taken for so long may be lost,
# and what has not moved for so long, nobody is moving.
LOST_AFTER = timedelta(minutes=15)
# After an outage of the provider every instruction of a day may be to be asked for.
_AT_MOST_AGAIN = 2_000
# A run stays for an unknown outcome that is asked for again this soon, and leaves the others to a later one.
PATIENCE = timedelta(seconds=10)


@dataclass(frozen=True)
class InProgress:
    """How many instructions are published; being sent; unknown and asked for soon; unknown and not soon."""

    published: int
    sending: int
    unknown_soon: int
    unknown_later: int

    @property
    def moving(self) -> int:
        """How many are on the bus or in the hands of a worker."""
        return self.published + self.sending

    @property
    def moves_on(self) -> bool:
        """Whether any of them moves on automatically soon."""
        return bool(self.moving or self.unknown_soon)


@dataclass(frozen=True)
class Due:
    """What is to be published, by id and billing type, as of when."""

    read_at: datetime
    instructions: list[tuple[UUID, str]]


def to_publish(
    connection: Connection,
    day: date,
    billing_types: Sequence[BillingType],
    limit: int,
    lost_after: timedelta,
) -> Due:
    """Up to ``limit`` new instructions, and two thousand of those whose message seems to be lost."""
    parameters = {
        "day": day,
        "billing_types": list(billing_types),
        "limit": max(limit, 0),
        "limit_again": _AT_MOST_AGAIN,
        "lost_after": lost_after,
    }
    read_at = scalar(connection, sql("read_clock"), {})
    return Due(read_at, connection.execute(sql("outbox"), parameters).fetchall())


def mark_published(connection: Connection, ids: Sequence[UUID], read_at: datetime, actor: str) -> None:
    """Note what the bus has accepted of what was due at ``read_at``.

    One that a worker has taken meanwhile keeps its state, and what happened to it since counts as later.
    """
    parameters = {"ids": list(ids), "read_at": read_at, "actor": actor}
    with failpoint(Failpoint.MARK_PUBLISHED), connection.transaction():
        connection.execute(sql("mark_published"), parameters)


def in_progress(connection: Connection, day: date, billing_types: Sequence[BillingType]) -> InProgress:
    """What a run still waits for."""
    parameters = {"day": day, "billing_types": list(billing_types), "patience": PATIENCE}
    return InProgress(*connection.execute(sql("in_progress"), parameters).fetchall()[0])


def is_quiet(connection: Connection, day: date, billing_types: Sequence[BillingType]) -> bool:
    """Whether nothing of the day moves on automatically soon."""
    seen = in_progress(connection, day, billing_types)
    return not seen.moves_on and is_empty(connection, day, billing_types)


def is_empty(connection: Connection, day: date, billing_types: Sequence[BillingType]) -> bool:
    """Whether everything of the day was published at least once."""
    return bool(scalar(connection, sql("is_outbox_empty"), {"day": day, "billing_types": list(billing_types)}))


def may_need_provider(connection: Connection, day: date) -> bool:
    """Whether materialising the day may call Stripe; where not, Stripe need not even be there."""
    return bool(scalar(connection, sql("may_need_provider"), {"day": day}))
