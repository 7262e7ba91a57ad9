"""Who a ledger is (rule of money 9): its random id, and the account and mode at the provider that it is pinned to."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from payouts_pipeline.ledger.database import Connection, sql


@dataclass(frozen=True)
class Identity:
    """A ledger's id since its first migration; account and mode (`live` or `test`) are None before its first call."""

    id: UUID
    provider_account: str | None
    provider_mode: str | None
    pinned_at: datetime | None


def read(connection: Connection) -> Identity:
    """Who this ledger is."""
    (row,) = connection.execute(sql("identity")).fetchall()
    return Identity(*row)
