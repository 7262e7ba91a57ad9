"""The command about the ledger itself: `ledger`."""

import click

from payouts_pipeline import settings
from payouts_pipeline.cli import parameters, rendering
from payouts_pipeline.cli.start_up import Need, ready_ledger


@click.command()
@click.option(
    "--beside", is_flag=True, help="Other ledgers may use the account of STRIPE_API_KEY, which becomes this one's."
)
@parameters.reason
def ledger(beside: bool, reason: str | None) -> None:
    """Show who this ledger is: its id, and the Stripe account and mode that it belongs to since its first call.

    On an account that another ledger has used, a new one sends nothing until --beside says that there are meant to be
    two. With a key of another account or mode, --beside moves the ledger there, unless something is still in progress.
    """
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


def _set_beside(reason: str) -> None:
    """What Stripe says of the key counts, so that a wrong one can't be named by hand."""
    from payouts_pipeline.cli.operator import actor
    from payouts_pipeline.ledger import identity
    from payouts_pipeline.settlement.assemble import StripeAccount, settlement

    account = StripeAccount.from_environment
    with ready_ledger(Need.STRIPE) as connection, settlement(settings.database_url(), account(), threads=1) as parts:
        identity.set_beside(connection, parts.standing.account(), actor(), reason)
