"""Who a ledger is (rule of money 9): its random id, and the account and mode at the provider that it is pinned to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.database import Connection, scalar, sql

_FIRST_CALL = {"actor": "first call", "reason": "the account of STRIPE_API_KEY at the first call"}


@dataclass(frozen=True)
class Account:
    """An account at the provider, and its mode: `live` or `test`."""

    id: str
    mode: str

    def __str__(self) -> str:
        """As sentences name it."""
        return f"{self.id} ({self.mode} mode)"


@dataclass(frozen=True)
class Identity:
    """A ledger's id since its first migration; it has no account before its first call."""

    id: UUID
    account: Account | None
    pinned_at: datetime | None


@dataclass(frozen=True)
class Event:
    """What was said of a ledger."""

    at: datetime
    actor: str
    what: Literal["pinned", "continued", "beside", "repinned"]
    reason: str


def read(connection: Connection) -> Identity:
    """Who this ledger is."""
    ((ledger_id, account, mode, pinned_at),) = connection.execute(sql("identity")).fetchall()
    return Identity(ledger_id, Account(account, mode) if account else None, pinned_at)


def mark(connection: Connection) -> str:
    """Another text where the database was restored, made anew, migrated, or is another server's."""
    return str(scalar(connection, sql("ledger_mark"), {}))


def pin(connection: Connection, account: Account) -> None:
    """Pin a ledger that makes its first call; nothing changes where it is pinned by now."""
    connection.execute(sql("pin_identity"), {**_FIRST_CALL, **_of(account)})


def set_beside(connection: Connection, account: Account, actor: str, reason: str) -> None:
    """Note that the ledger stands beside others on this account, which becomes its own.

    Raises PayoutsError where it would leave another one while something may be in progress there.
    """
    said = {"actor": actor, "reason": reason}
    with connection.transaction():
        if read(connection).account not in (None, account):
            if scalar(connection, sql("has_open_attempts"), {}):
                raise PayoutsError(
                    "Instructions of this ledger may be in progress at its present account, so it can't be moved to "
                    "another: settle them first, with a key of that account ('payouts run DAY')."
                )
            connection.execute(sql("repin_identity"), {**said, **_of(account)})
        connection.execute(sql("insert_identity_event"), {**said, "what": "beside"})


def continue_as(connection: Connection, ledger_id: UUID, actor: str, reason: str) -> None:
    """Take the id of the ledger that this one is, in a new database; raises PayoutsError where it has instructions."""
    if scalar(connection, sql("has_instructions"), {}):
        raise PayoutsError(
            "This ledger has made instructions under its own id, so it can't become another one: continue that one in "
            "a new database ('payouts migrate'), before its first run."
        )
    connection.execute(sql("continue_ledger"), {"ledger_id": ledger_id, "actor": actor, "reason": reason})


def _of(account: Account) -> dict[str, str]:
    return {"account": account.id, "mode": account.mode}


def stands_beside(connection: Connection) -> bool:
    """Whether a person has said that other ledgers use the same account."""
    return bool(scalar(connection, sql("stands_beside"), {}))


def has_sent(connection: Connection) -> bool:
    """Whether the ledger has ever made an attempt."""
    return bool(scalar(connection, sql("has_sent"), {}))


def events(connection: Connection) -> list[Event]:
    """All that was said of the ledger, in order."""
    return [Event(*row) for row in connection.execute(sql("identity_events"))]
