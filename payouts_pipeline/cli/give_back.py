"""The commands that give money back at Stripe: `refund` and `reverse`."""

import sys
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import click

from payouts_pipeline import settings
from payouts_pipeline.cli import parameters, rendering
from payouts_pipeline.cli.operator import actor
from payouts_pipeline.cli.start_up import Need, moves_no_money, ready_ledger
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.errors import PayoutsError

if TYPE_CHECKING:
    from payouts_pipeline.ledger.database import Connection
    from payouts_pipeline.ledger.instructions import Instruction
    from payouts_pipeline.workflow.give_back import Ordered, Target

_amount = click.option(
    "--amount", type=parameters.AMOUNT, help="Only so much of it, like 12.50; without it, all that is left."
)
_again = click.option("--again", is_flag=True, help="The very same was asked for before, and is meant once more.")


@click.command()
@click.argument("subject", type=parameters.RETURNABLE)
@click.argument("day", type=parameters.DAY, required=False)
@_amount
@_again
@parameters.reason
def refund(subject: UUID | str, day: date | None, amount: Decimal | None, again: bool, reason: str | None) -> None:
    """Give back what was collected: of an INSTRUCTION, of match:7, or of player:9 on a DAY.

    Of a match or a day just the fees that are meant go back, each with its shares: payees who were paid already work
    them off. The fees stay open and are held, so that nobody is charged again before 'payouts unhold'.

    It is sent at once, unless the amount wants approval; what is left open continues with the next run of the day. Exit
    code 1 if anything was not given back.
    """
    from payouts_pipeline.ledger.return_orders import Asked
    from payouts_pipeline.workflow import give_back

    target, why = _target(subject, day), parameters.given(reason)

    def order(ledger: "Connection") -> "Ordered":
        asked = Asked(target.name, _in_minor(ledger, amount, target), actor(), why)
        return give_back.refund(ledger, target, asked, settings.approval_above_minor(), again=again)

    _give_back(order)


@click.command()
@click.argument("instruction", type=click.UUID)
@_amount
@_again
@parameters.reason
def reverse(instruction: UUID, amount: Decimal | None, again: bool, reason: str | None) -> None:
    """Take a payout back from its payee: the INSTRUCTION, or an amount of it.

    Stripe does so only while the payee's balance there covers it. The payee is owed it again, and it is held: nothing
    is paid again before 'payouts unhold'. It is sent at once, unless the amount wants approval. Exit code 1 if it was
    not taken back.
    """
    from payouts_pipeline.ledger import instructions
    from payouts_pipeline.ledger.return_orders import Asked
    from payouts_pipeline.workflow import give_back

    why, target = parameters.given(reason), give_back.Target(instruction)

    def order(ledger: "Connection") -> "Ordered":
        asked = Asked(target.name, _in_minor(ledger, amount, target), actor(), why)
        order_id = give_back.reverse(ledger, instruction, asked, settings.approval_above_minor(), again=again)
        return give_back.Ordered([instructions.find(ledger, order_id)])

    _give_back(order)


def _target(subject: UUID | str, day: date | None) -> "Target":
    from payouts_pipeline.workflow.give_back import Target

    try:
        return Target.of(subject, day)
    except PayoutsError as error:
        raise click.UsageError(str(error)) from None


def _in_minor(ledger: "Connection", amount: Decimal | None, target: "Target") -> int | None:
    """In the currency of what is given back."""
    from payouts_pipeline.workflow import give_back

    return None if amount is None else give_back.in_minor(ledger, target, amount)


def _give_back(order: Callable[["Connection"], "Ordered"]) -> None:
    """Commit what is asked for, then have it sent, and bring in what came of it."""
    with ready_ledger() as ledger:
        ordered = order(ledger)
    for refused in ordered.refused:
        rendering.line(f"Not asked for: {refused}")
    found = _left_to_the_fleet(ordered.orders) if moves_no_money() else _sent(ordered.orders)
    for each in found:
        rendering.line(_what_became_of(each))
    sys.exit(0 if not ordered.refused and all(each.status == Status.SETTLED for each in found) else 1)


def _left_to_the_fleet(orders: Sequence[UUID]) -> "list[Instruction]":
    """Where this machine has no key, the workers send what the next run of its day publishes."""
    from payouts_pipeline.ledger import instructions

    with ready_ledger() as ledger:
        return [instructions.find(ledger, order) for order in orders]


def _sent(orders: Sequence[UUID]) -> "list[Instruction]":
    from payouts_pipeline.settlement.assemble import StripeAccount, settlement
    from payouts_pipeline.workflow import give_back

    account = StripeAccount.from_environment
    threads = settings.workers() or 1
    with ready_ledger(Need.STRIPE) as ledger, settlement(settings.database_url(), account(), threads) as parts:
        found = give_back.settle_now(ledger, parts, orders)
        give_back.bring_in(ledger, parts, actor())
        return found


def _what_became_of(order: "Instruction") -> str:
    which = f"{order.billing_type} {order.id} of {format_minor(order.amount_minor, order.currency)} ({order.payee})"
    if order.status == Status.SETTLED:
        return f"Given back: {which}."
    return (
        f"Not given back yet: {which} is {order.status}: {order.reason}. It continues with the next run of "
        f"{order.day}; 'payouts explain {order.id}' says more."
    )
