"""The command about what happens at Stripe: `sync`."""

import sys
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NoReturn

import click

from payouts_pipeline import settings
from payouts_pipeline.cli import parameters, rendering
from payouts_pipeline.cli.operator import actor
from payouts_pipeline.cli.start_up import Need, connected, ready, ready_ledger
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.settings import Calendar

if TYPE_CHECKING:
    from payouts_pipeline.ledger.database import Connection
    from payouts_pipeline.ledger.provider_journal import Look
    from payouts_pipeline.reports.activity import Odd
    from payouts_pipeline.workflow.sync import Synced


_WAIT_S = 20


@click.command()
@click.option("--from", "first_day", type=parameters.DAY, help="Read the list again from this day on.")
@click.option(
    "--watch", "watches", is_flag=True, help="Stay, and sync with each event of Stripe's that EventBridge brings."
)
@parameters.as_json
def sync(first_day: date | None, watches: bool, as_json: bool) -> None:
    """Bring in what happened at Stripe: charges, transfers, refunds, disputes, fees, top-ups. Moves nothing.

    A sensor and the nightly job do the same. Exit code 1 where our balance at Stripe and the ledger differ by more than
    what is on its way between the two: payouts in that currency are held until that is understood.

    With --watch it goes on until it is ended, or Stripe is away, which loses nothing; the stack needs its parameter
    StripeEventSource ('payouts deploy').
    """
    if watches:
        if first_day or as_json:
            raise click.UsageError("--watch stays and prints a line for each sync: leave --from and --json out.")
        _watch()
    from payouts_pipeline.reports.activity import not_understood

    with ready_ledger(Need.STRIPE) as ledger:
        found, odd = _synced(ledger, first_day), not_understood(ledger)
    if as_json:
        rendering.document(_as_json(found, odd))
    else:
        _show(found, odd)
    sys.exit(1 if any(look.difference_minor for look in found.looks) else 0)


def bring_in(ledger: "Connection") -> None:
    """Bring in what happened at Stripe, and show it."""
    from payouts_pipeline.reports.activity import not_understood

    found = _synced(ledger, None)
    _show(found, not_understood(ledger))


def _synced(ledger: "Connection", first_day: date | None) -> "Synced":
    from payouts_pipeline.domain.calendar import bounds
    from payouts_pipeline.settlement.assemble import StripeAccount, settlement
    from payouts_pipeline.workflow import sync as syncing

    since: datetime | None = bounds(first_day, Calendar.from_environment().timezone)[0] if first_day else None
    with settlement(settings.database_url(), StripeAccount.from_environment(), threads=1) as parts:
        return syncing.sync_at_request(ledger, parts, actor(), since)


def _watch() -> NoReturn:
    """Sync, and again after each batch of events. They are deleted once what they point to is in the ledger."""
    from payouts_pipeline.aws.clients import make_client
    from payouts_pipeline.settlement import stripe_events

    with ready([Need.LEDGER, Need.AWS, Need.STRIPE]):
        url = stripe_events.find_queue(make_client("cloudformation"), settings.stack())
        sqs, handles = make_client("sqs"), list[str]()
        while True:
            with connected() as ledger:
                found = _synced(ledger, None)
            if found.kept or not handles:
                rendering.line(f"{found.kept} lines of Stripe's journal are new.")
            if handles:
                stripe_events.delete_events(sqs, url, handles)
            handles = stripe_events.await_events(sqs, url, _WAIT_S)
            while not handles:
                handles = stripe_events.await_events(sqs, url, _WAIT_S)


def _as_json(found: "Synced", odd: "list[Odd]") -> dict[str, Any]:
    return {
        "kept": found.kept,
        "entered": found.entered,
        "returned": found.returned,
        "balances": [_look(look) for look in found.looks],
        "not_understood": [{**asdict(each), "created_at": each.created_at.isoformat()} for each in odd],
    }


def _look(look: "Look") -> dict[str, Any]:
    return {**asdict(look), "difference_minor": look.difference_minor}


def _show(found: "Synced", odd: "list[Odd]") -> None:
    rendering.line(f"{found.kept} lines of Stripe's journal are new; {found.entered + found.returned} were entered.")
    for each in odd:
        rendering.line(
            f"  {each.id}  {each.created_at:%Y-%m-%d %H:%M}  {each.type}  "
            f"{format_minor(each.net_minor, each.currency)}: {each.sentence}"
        )
    for look in found.looks:
        there = format_minor(look.available_minor + look.pending_minor, look.currency)
        rendering.line(f"{there} at Stripe: {_verdict(look)}")
    if not found.looks:
        rendering.line("Our account did not stand still, so that the balances were not compared.")


def _verdict(look: "Look") -> str:
    if look.difference_minor:
        return f"differs from the ledger by {format_minor(look.difference_minor, look.currency)}."
    on_its_way = f", {format_minor(look.in_transit_minor, look.currency)} on its way" if look.in_transit_minor else ""
    return f"as the ledger has it{on_its_way}."
