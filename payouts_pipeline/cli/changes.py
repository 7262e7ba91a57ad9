"""The commands about what a day would change: `preview`, and `accept` for what is beyond the usual."""

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from payouts_pipeline import settings
from payouts_pipeline.cli import parameters, rendering
from payouts_pipeline.cli.operator import actor
from payouts_pipeline.cli.start_up import ready_ledger
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.domain.reasons import HELD_OUT
from payouts_pipeline.settings import Calendar

if TYPE_CHECKING:
    from payouts_pipeline.ledger.previews import BookedFees, Moved, Preview


@click.command()
@click.argument("day", type=parameters.DAY)
@parameters.as_json
def preview(day: date, as_json: bool) -> None:
    """Show what materialising DAY would book, charge and pay now; nothing is written or sent.

    What is paid out of charges that are not collected yet comes with a later materialisation, and is not shown.
    """
    from payouts_pipeline.ledger import database
    from payouts_pipeline.workflow.preview import preview as found_by

    zone = Calendar.from_environment().timezone
    with ready_ledger() as ledger, database.connect(settings.source_url(), "PAYOUTS_SOURCE_URL") as source:
        minimums, limits = settings.minimum_payouts_minor(), settings.limits()
        found = found_by(ledger, source, day, zone, minimums, limits, settings.change_limit())
    if as_json:
        rendering.document(_as_json(found))
    else:
        _show(found)


def _as_json(found: "Preview") -> dict[str, Any]:
    names = ("billing_type", "currency", "status", "reason", "count", "amount_minor")
    return {
        "day": found.day.isoformat(),
        "proposal": found.proposal.as_json() if found.proposal else None,
        "fees": [asdict(each) for each in found.fees],
        "instructions": [{name: getattr(each, name) for name in names} for each in found.instructions],
        "held_out": [{"reason": HELD_OUT[code], "count": count} for code, count in found.held_out],
    }


def _show(found: "Preview") -> None:
    if found.proposal:
        rendering.proposal(found.proposal)
    for fees in found.fees:
        rendering.line(_of_fees(fees))
    for moved in found.instructions:
        rendering.line(_of_instructions(moved))
    for code, count in found.held_out:
        rendering.line(f"  held out  {count} fees: {HELD_OUT[code]}")
    if found.is_empty:
        rendering.line(f"Materialising {found.day} would change nothing.")


def _of_fees(fees: "BookedFees") -> str:
    added, back = format_minor(fees.added_minor, fees.currency), format_minor(fees.taken_back_minor, fees.currency)
    return f"  books     {fees.fees} fees: {added} added, {back} taken back"


def _of_instructions(moved: "Moved") -> str:
    amount = format_minor(moved.amount_minor, moved.currency)
    why = f": {moved.reason}" if moved.reason else ""
    return f"  {moved.status:9} {moved.count} of {moved.billing_type}, {amount}{why}"


@click.command()
@click.argument("day", type=parameters.DAY)
@parameters.reason
def accept(day: date, reason: str | None) -> None:
    """Let the change of DAY be booked that waits since it is beyond PAYOUTS_CHANGE_LIMIT: just what was proposed.

    Where league changes once more, that is another change, which waits for itself.
    """
    from payouts_pipeline.ledger import proposals

    why = parameters.given(reason)
    with ready_ledger() as ledger:
        found = proposals.accept(ledger, day, actor(), why)
    rendering.line(f"Accepted for {day}: {found.reason}. It is booked when the day is materialised: payouts run {day}")
