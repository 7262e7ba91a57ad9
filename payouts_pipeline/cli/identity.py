"""The commands about the ledger itself: `ledger` and `recover`."""

import sys
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from payouts_pipeline import settings
from payouts_pipeline.cli import parameters, rendering
from payouts_pipeline.cli.operator import actor
from payouts_pipeline.cli.start_up import Need, ready_ledger
from payouts_pipeline.domain.currencies import format_minor

if TYPE_CHECKING:
    from payouts_pipeline.ledger.movements import Kept

_STATES = {
    "waiting": "settles its instruction once its day is materialised again",
    "needs_person": "is not what its instruction asks for; see it at Stripe, and decide",
}
# Of what was given back.
_STATES_OF_RETURNS = {
    "waiting": "is booked once the day of what it gives back is materialised again: then run 'payouts recover' again",
    "needs_person": "was asked for by an order that is lost, and does not say of which fees: it comes off all fees of "
    "its charge alike. See at Stripe what it was for",
}


@click.command()
@click.option(
    "--beside", is_flag=True, help="Other ledgers may use the account of STRIPE_API_KEY, which becomes this one's."
)
@click.option("--continue", "continued", type=click.UUID, metavar="ID", help="This is the ledger with that id.")
@parameters.reason
def ledger(beside: bool, continued: UUID | None, reason: str | None) -> None:
    """Show who this ledger is: its id, and the Stripe account and mode that it belongs to since its first call.

    On an account that another ledger has used, a new one sends nothing until a person says what it is: with --continue,
    that ledger in a new database ('payouts recover' then finds what it had moved); with --beside, a second one.

    With a key of another account or mode, --beside moves the ledger there, unless something is still in progress.
    """
    if beside and continued:
        raise click.UsageError("It is either that ledger or another one beside it.")
    if continued:
        _continue_as(continued, parameters.given(reason))
    if beside:
        _set_beside(parameters.given(reason))
    from payouts_pipeline.ledger import identity

    with ready_ledger() as connection:
        found, events = identity.read(connection), identity.events(connection)
    rendering.line(f"Ledger {found.id}")
    if found.account:
        rendering.line(f"Belongs to {found.account} at Stripe, since {found.pinned_at:%Y-%m-%d %H:%M}")
    else:
        rendering.line("Belongs to no account at Stripe yet: its first call decides.")
    for event in events:
        rendering.line(f"  {event.at:%Y-%m-%d %H:%M}  {event.what} by {event.actor}: {event.reason}")


def _continue_as(ledger_id: UUID, reason: str) -> None:
    from payouts_pipeline.ledger import identity

    with ready_ledger() as connection:
        identity.continue_as(connection, ledger_id, actor(), reason)


def _set_beside(reason: str) -> None:
    """What Stripe says of the key counts, so that a wrong one can't be named by hand."""
    from payouts_pipeline.ledger import identity
    from payouts_pipeline.settlement.assemble import StripeAccount, settlement

    account = StripeAccount.from_environment
    with ready_ledger(Need.STRIPE) as connection, settlement(settings.database_url(), account(), threads=1) as parts:
        identity.set_beside(connection, parts.standing.account(), actor(), reason)


@click.command()
@parameters.as_json
def recover(as_json: bool) -> None:
    """Catch up with Stripe after a restore: find what it moved that this ledger does not know. Sends nothing.

    What is found settles its instruction, now or when its day is materialised again. Exit code 1 where a person must
    judge a movement, because it is not what its instruction asks for.
    """
    from payouts_pipeline.ledger import database
    from payouts_pipeline.settlement.assemble import StripeAccount, settlement
    from payouts_pipeline.settlement.stripe_client import StripeAwayError
    from payouts_pipeline.workflow import recover as recovering
    from payouts_pipeline.workflow.sync import NotPinnedError, sync_own

    account = StripeAccount.from_environment
    with (
        ready_ledger(Need.STRIPE) as connection,
        database.connect(settings.source_url(), "PAYOUTS_SOURCE_URL") as source,
        settlement(settings.database_url(), account(), threads=4) as parts,
    ):
        recovering.catch_up(connection, source, parts, actor())
        # What was given back is known by Stripe's journal; a key that may not read it recovers what else there is.
        with suppress(NotPinnedError, StripeAwayError):
            sync_own(connection, parts, actor())
        kept = recovering.find_returns(connection, parts, actor())
    if as_json:
        rendering.document({"movements": [_as_json(each) for each in kept]})
    else:
        _show(kept)
    sys.exit(1 if any(each.state == "needs_person" for each in kept) else 0)


def _as_json(kept: "Kept") -> dict[str, Any]:
    return {**asdict(kept), "instruction_id": str(kept.instruction_id) if kept.instruction_id else None}


def _show(kept: "list[Kept]") -> None:
    for each in kept:
        if each.state in ("waiting", "needs_person"):
            amount = format_minor(each.amount_minor, each.currency)
            states = _STATES_OF_RETURNS if each.kind in ("refund", "transfer_reversal") else _STATES
            what = f"{each.provider_reference}  {each.day or ''}  {each.billing_type or each.kind}  {amount}"
            rendering.line(f"{what}: {states[each.state]}")
    adopted = sum(each.state == "adopted" for each in kept)
    rendering.line(f"{len(kept)} movements that the ledger did not know; {adopted} have settled their instructions.")
