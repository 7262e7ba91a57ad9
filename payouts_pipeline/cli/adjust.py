"""The commands that adjust balances: `write-off` and `transfer-balance`."""

from decimal import Decimal

import click

from payouts_pipeline import settings
from payouts_pipeline.cli import parameters, rendering
from payouts_pipeline.cli.operator import actor
from payouts_pipeline.cli.start_up import ready_ledger
from payouts_pipeline.domain.billing import BillingSubject, Payee


@click.command("write-off")
@click.argument("payee", type=parameters.PAYEE)
@click.argument("currency", type=str.upper)
@click.option("--amount", type=parameters.AMOUNT, help="Only so much of it, like 12.50; without it, all of it.")
@click.option("--again", is_flag=True, help="The very same amount was written off before, and is meant once more.")
@parameters.reason
def write_off(payee: Payee, currency: str, amount: Decimal | None, again: bool, reason: str | None) -> None:
    """Write off what player:9 owes in a CURRENCY, or what club:17, organiser:3 or partner:1 owe back: we bear it.

    A player is not charged for it any more, and the shares of the fees are paid out as if they were collected. A payee
    does not work it off any more. It stands on an account of its own, which a month shows.
    """
    from payouts_pipeline.workflow import adjustments

    why = parameters.given(reason)
    with ready_ledger() as ledger:
        written_off = adjustments.write_off(ledger, payee, currency, amount, actor(), why, again=again)
    what_follows = (
        "the next run of their days pays the shares of the fees out"
        if payee.subject == BillingSubject.PLAYER
        else "the next payouts are no longer lower by it"
    )
    rendering.line(f"Written off: {written_off} of {payee}; {what_follows}.")


@click.command("transfer-balance")
@click.argument("payee", type=parameters.PAYEE)
@click.argument("to", type=parameters.PAYEE)
@parameters.reason
def transfer_balance(payee: Payee, to: Payee, reason: str | None) -> None:
    """Move what PAYEE is owed now, or owes back, to another payee of its kind that it has become one with.

    It is paid, or worked off, with the next payout of that one. Fees that are not collected yet stay where they are
    booked, and so does what is being paid.
    """
    from payouts_pipeline.ledger import database
    from payouts_pipeline.workflow import adjustments

    why = parameters.given(reason)
    with ready_ledger() as ledger, database.connect(settings.source_url(), "PAYOUTS_SOURCE_URL") as source:
        moved = adjustments.transfer_balance(ledger, source, payee, to, actor(), why)
    rendering.line(f"Moved from {payee} to {to}: {', '.join(str(each) for each in moved)}.")
