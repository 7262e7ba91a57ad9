"""What moved our account at the provider (rule of money 12): kept as it is listed, and entered once.

A line is an instruction's where the ledger has settled that by it; then its fee alone is left to enter. A line that
names an instruction without an end waits for that. All else is a fee, our own funds, or not assigned, with a code why.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from psycopg.rows import class_row

from payouts_pipeline.failpoints import Failpoint, failpoint
from payouts_pipeline.ledger.database import Connection, scalar, sql

FeedName = Literal["balance_transactions", "events"]

# What has settled is in the provider's list by then, or something is wrong.
LISTED_WITHIN = timedelta(hours=1)
OPENING = "opening_balance"


@dataclass(frozen=True)
class BalanceTransaction:
    """A line of the provider's journal; see table `balance_transactions`."""

    id: str
    type: str
    category: str
    balance: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    created_at: datetime
    available_on: datetime
    source_id: str | None = None
    movement_id: str | None = None
    payee: str | None = None
    ledger_id: str | None = None
    instruction_id: UUID | None = None
    attempt: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Feed:
    """How far a list was read; ``opened_at``: when what stood on the account before it was entered."""

    begins_at: datetime
    read_to: datetime
    seen: Sequence[str]
    asked_at: datetime
    opened_at: datetime | None


@dataclass(frozen=True)
class LedgerBalance:
    """What the ledger says of our account in one currency, and what is on its way between the two.

    ``listed``: at the provider and not entered yet. ``settled``: settled here and not listed yet. ``overdue``: the same
    for so long that it should be.
    """

    currency: str
    ledger_minor: int
    listed_minor: int
    settled_minor: int
    overdue_minor: int
    listed: int
    settled: int
    overdue: int


@dataclass(frozen=True)
class Look:
    """The provider's balance beside the ledger's."""

    currency: str
    available_minor: int
    pending_minor: int
    ledger_minor: int
    in_transit_minor: int
    overdue_minor: int = 0

    @property
    def difference_minor(self) -> int:
        """What nothing on its way explains."""
        return self.available_minor + self.pending_minor - self.ledger_minor - self.in_transit_minor


def first_movement_at(connection: Connection) -> datetime | None:
    """Since when this ledger can have moved anything; None for one that has never sent."""
    found: datetime | None = scalar(connection, sql("journal_begin"), {})
    return found


def feed(connection: Connection, name: FeedName, account: str) -> Feed | None:
    """How far a list of the account was read; None where it never was."""
    with connection.cursor(row_factory=class_row(Feed)) as cursor:
        return cursor.execute(sql("read_feed"), {"name": name, "account": account}).fetchone()


def begin(connection: Connection, name: FeedName, account: str, begins_at: datetime) -> None:
    """Begin a list, or begin it anew; what was kept of it stays."""
    connection.execute(sql("begin_feed"), {"name": name, "account": account, "begins_at": begins_at})


def advance(connection: Connection, name: FeedName, read_to: datetime, seen: Sequence[str] = ()) -> None:
    """Note how far a list was read, and which of it will be listed again."""
    connection.execute(sql("advance_feed"), {"name": name, "read_to": read_to, "seen": list(seen)})


def newest_at(connection: Connection) -> datetime | None:
    """When the last line was made, by the provider's clock."""
    found: datetime | None = scalar(connection, sql("newest_transaction"), {})
    return found


def keep(connection: Connection, page: Sequence[BalanceTransaction], actor: str) -> int:
    """Keep a page of the list, and which payees it pays where; how many of its lines are news."""
    parameters = {"transactions": json.dumps([asdict(each) for each in page], default=str), "actor": actor}
    with failpoint(Failpoint.KEEP_TRANSACTIONS), connection.transaction():
        news = connection.execute(sql("keep_transactions"), parameters).rowcount
        connection.execute(sql("note_paid_accounts"), parameters)
    return news


def enter(connection: Connection, actor: str, read_to: datetime | None = None) -> int:
    """Enter what is kept and understood, and note how far the list was read; how many lines were entered."""
    with failpoint(Failpoint.ENTER_TRANSACTIONS), connection.transaction():
        entered = _enter(connection, actor)
        if read_to:
            advance(connection, "balance_transactions", read_to)
        return entered


def open_account(connection: Connection, opening: Iterable[BalanceTransaction], actor: str) -> None:
    """Enter what stood on the account before the list begins, as our own funds."""
    lines = json.dumps([asdict(each) for each in opening], default=str)
    with failpoint(Failpoint.OPEN_JOURNAL), connection.transaction():
        connection.execute(sql("keep_transactions"), {"transactions": lines, "actor": actor})
        _enter(connection, actor)
        connection.execute(sql("note_opened"))


def _enter(connection: Connection, actor: str) -> int:
    connection.execute(sql("make_journal_accounts"))
    return int(scalar(connection, sql("enter_transactions"), {"actor": actor}))


def may_lag(connection: Connection) -> bool:
    """Whether something has settled so recently that the provider's list need not have it."""
    return bool(scalar(connection, sql("has_news_of_settled"), {"listed_within": LISTED_WITHIN}))


def is_current(connection: Connection, until: datetime) -> bool:
    """Whether the list was read since ``until``, and another look could bring in nothing that is known of."""
    parameters = {"until": until, "listed_within": LISTED_WITHIN}
    return bool(scalar(connection, sql("journal_is_current"), parameters))


def wake_listed(connection: Connection) -> int:
    """Let what the provider has moved meanwhile be asked for with the next run of its day; how many instructions."""
    return connection.execute(sql("wake_listed")).rowcount


def balances(connection: Connection) -> list[LedgerBalance]:
    """What the ledger says of our account, by currency."""
    with connection.cursor(row_factory=class_row(LedgerBalance)) as cursor:
        return cursor.execute(sql("ledger_balances"), {"listed_within": LISTED_WITHIN}).fetchall()


def keep_looks(connection: Connection, looks: Iterable[Look]) -> None:
    """Keep what was compared; nothing is written where all is as it was."""
    rows: list[Mapping[str, Any]] = [asdict(look) for look in looks]
    connection.execute(sql("keep_looks"), {"looks": json.dumps(rows)})
