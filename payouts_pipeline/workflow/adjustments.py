"""What a person may do to balances that will not come right by themselves: write a debt off, or merge two payees.

Neither calls Stripe: what follows from it is charged or paid, or no longer, with the next materialisation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.domain.currencies import format_minor, to_minor
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import adjustments
from payouts_pipeline.ledger.adjustments import Adjustable, Adjustment
from payouts_pipeline.ledger.database import Connection


@dataclass(frozen=True)
class Moved:
    """How much of which currency."""

    amount_minor: int
    currency: str

    def __str__(self) -> str:
        """As people read it."""
        return format_minor(self.amount_minor, self.currency)


def write_off(
    connection: Connection,
    payee: Payee,
    currency: str,
    amount: Decimal | None,
    actor: str,
    reason: str,
    *,
    again: bool = False,
) -> Moved:
    """Write off what a player owes, or a payee owes back, or an amount of it: the platform bears it.

    Raises PayoutsError where there is no such debt, something of it is on its way, or the very same amount was written
    off before and is not meant ``again``.
    """
    is_player = payee.subject == BillingSubject.PLAYER
    with connection.transaction():
        adjustments.lock(connection, [payee])
        account = _quiet_account(connection, payee, currency)
        owed_minor = account.open_minor if is_player else -(account.open_minor - account.held_minor)
        if owed_minor <= 0:
            raise PayoutsError(f"{payee} owes nothing in {currency}: there is nothing to write off.")
        amount_minor = owed_minor if amount is None else to_minor(amount, currency)
        if amount_minor > owed_minor:
            raise PayoutsError(f"{payee} owes only {format_minor(owed_minor, currency)}: give no more than that.")
        if amount is not None and not again:
            _require_news(connection, account, amount_minor, payee)
        if is_player and amount_minor > account.open_minor - account.held_minor:
            _require_all(account, amount_minor, payee)
            adjustments.let_go(connection, payee, account)
        adjustments.enter(connection, Adjustment(account.id, currency, amount_minor, actor, reason))
        return Moved(amount_minor, currency)


def _require_news(connection: Connection, account: Adjustable, amount_minor: int, payee: Payee) -> None:
    """The same command twice is a slip of the finger, unless the person says that it is not."""
    before = adjustments.same_as(connection, account, amount_minor)
    if before:
        amount, (who, at) = format_minor(amount_minor, account.currency), before
        raise PayoutsError(
            f"{amount} of {payee} were written off already, on {at:%Y-%m-%d} by {who}. To write off as much once more, "
            "add --again."
        )


def _require_all(account: Adjustable, amount_minor: int, payee: Payee) -> None:
    """What is held is let go of as a whole; what is not can be written off in part."""
    if amount_minor != account.open_minor:
        owed, free = (
            format_minor(minor, account.currency)
            for minor in (account.open_minor, max(account.open_minor - account.held_minor, 0))
        )
        raise PayoutsError(
            f"Some of what {payee} owes is held since Stripe took it back: write off all of it ({owed}) or no more "
            f"than the {free} that are not held, or lift it first ('payouts unhold')."
        )


def transfer_balance(
    connection: Connection, source: Connection, payee: Payee, to: Payee, actor: str, reason: str
) -> Sequence[Moved]:
    """Move what a payee is owed now, or owes back, to another: they are one by now. What was moved, by currency.

    What is not collected yet stays where it is booked. Raises PayoutsError where there is nothing to move, something of
    it is on its way, or the two can't be one.
    """
    _require_mergeable(source, payee, to)
    with connection.transaction():
        adjustments.lock(connection, [payee, to])
        accounts = _movable(connection, payee)
        for account in accounts:
            to_id = adjustments.account_of(connection, to, account.currency)
            adjustment = Adjustment(account.id, account.currency, account.open_minor, actor, reason, to_id)
            adjustments.enter(connection, adjustment)
        return [Moved(each.open_minor, each.currency) for each in accounts]


def _movable(connection: Connection, payee: Payee) -> list[Adjustable]:
    """The accounts of a payee on which something is open, none of it held, and nothing on its way on any."""
    accounts = adjustments.accounts_of(connection, payee)
    for account in accounts:
        _require_quiet(account, payee)
        if account.held_minor:
            raise PayoutsError(
                f"Some of what {payee} is owed is held since Stripe took it back: lift it first ('payouts unhold')."
            )
    movable = [each for each in accounts if each.open_minor]
    if not movable:
        raise PayoutsError(f"{payee} is owed nothing now, and owes nothing back: there is nothing to move.")
    return movable


def _require_mergeable(source: Connection, payee: Payee, to: Payee) -> None:
    if payee == to or payee.subject != to.subject or payee.subject == BillingSubject.PLAYER:
        raise PayoutsError("A balance moves from one payee to another of its kind: a club, an organiser or a partner.")
    if reader.stripe_ids(source, pd.DataFrame([{"billing_subject": to.subject, **to.parameters}])).empty:
        raise PayoutsError(f"There is no {to} in schema 'league': see that the id is right.")


def _quiet_account(connection: Connection, payee: Payee, currency: str) -> Adjustable:
    for account in adjustments.accounts_of(connection, payee):
        if account.currency == currency:
            _require_quiet(account, payee)
            return account
    raise PayoutsError(f"{payee} has no account in {currency}: see that both are right.")


def _require_quiet(account: Adjustable, payee: Payee) -> None:
    """What is on its way may still change what is open."""
    if account.on_its_way:
        raise PayoutsError(
            f"Instruction {account.on_its_way} of {payee} has not ended: wait for it, or cancel it ('payouts cancel')."
        )
    if account.is_changing:
        raise PayoutsError(
            f"What is open of {payee} is about to change: run its day, or 'payouts sync', and then try again."
        )
