"""Adjustments: a debt is written off, which the platform bears; or a balance moves to another payee.

Both are double entries of their own (`entries.adjustment_id`), and never by itself. What is written off stands on the
account `write_offs` of its currency, so that a month shows it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.ledger.database import Connection, scalar, sql
from payouts_pipeline.ledger.locks import lock_accounts_of


@dataclass(frozen=True)
class Adjustable:
    """An account, by what of it a person may adjust: positive is what a player owes, or a payee is owed now.

    ``held_minor``: what of it is held since Stripe took it back. ``on_its_way``: an instruction that has not ended.
    """

    id: int
    currency: str
    open_minor: int
    held_minor: int
    on_its_way: UUID | None
    is_changing: bool


@dataclass(frozen=True)
class Adjustment:
    """What is adjusted, by whom, and why; ``to_account_id`` is None for what is written off."""

    account_id: int
    currency: str
    amount_minor: int
    actor: str
    reason: str
    to_account_id: int | None = None


def lock(connection: Connection, payees: Sequence[Payee]) -> None:
    """Lock the accounts of players and payees, in the order of all transactions."""
    for payee in sorted(payees, key=lambda each: (each.subject != BillingSubject.PLAYER, str(each))):
        lock_accounts_of(connection, payee)


def accounts_of(connection: Connection, payee: Payee) -> list[Adjustable]:
    """The accounts of a player or payee, one for each currency; under `lock`."""
    with connection.cursor(row_factory=class_row(Adjustable)) as cursor:
        return cursor.execute(sql("adjustable_accounts"), payee.parameters).fetchall()


def enter(connection: Connection, adjustment: Adjustment) -> None:
    """Note an adjustment; the database enters it."""
    row: dict[str, Any] = asdict(adjustment)
    connection.execute(sql("insert_adjustment"), row)


def same_as(connection: Connection, account: Adjustable, amount_minor: int) -> tuple[str, datetime] | None:
    """Who has last written off the very same amount of an account, and when."""
    which = {"account_id": account.id, "amount_minor": amount_minor}
    return connection.execute(sql("same_write_off"), which).fetchone()


def let_go(connection: Connection, player: Payee, account: Adjustable) -> None:
    """Hold no longer what was taken back of a player, since all of it is paid for."""
    which = {**player.parameters, "currency": account.currency, "account_id": account.id}
    connection.execute(sql("lift_written_off"), which)
    connection.execute(sql("lift_returns_written_off"), which)


def account_of(connection: Connection, payee: Payee, currency: str) -> int:
    """The account of a payee in a currency, which is made where there is none."""
    which = {**payee.parameters, "currency": currency}
    connection.execute(sql("make_account"), which)
    return int(scalar(connection, sql("account_of"), which))
