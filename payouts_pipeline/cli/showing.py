"""The commands that show and prove, and change nothing: `status` and `verify`."""

import sys
from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import date
from typing import TYPE_CHECKING

import click

from payouts_pipeline import settings
from payouts_pipeline.cli import parameters, rendering
from payouts_pipeline.cli.start_up import Need, ready_ledger

if TYPE_CHECKING:
    from payouts_pipeline.ledger.database import Connection
    from payouts_pipeline.reports.audit import Audit, Violation


@click.command()
@click.argument("day", type=parameters.DAY, required=False)
@click.option(
    "--instructions", "with_instructions", is_flag=True, help="Also list each instruction that is not settled."
)
@parameters.as_json
def status(day: date | None, with_instructions: bool, as_json: bool) -> None:
    """Show where the money of DAY is (of every day without it), and why what has not moved has not."""
    from payouts_pipeline.reports import banks, funds, old_balances
    from payouts_pipeline.reports import status as reported

    read = reported.with_open_instructions if with_instructions else reported.day_status
    with ready_ledger() as ledger:
        found = [read(ledger, each) for each in ([day] if day else reported.booked_days(ledger))]
        forecast, failing, standing = funds.forecast(ledger), banks.failing(ledger), old_balances.standing(ledger)
    if as_json:
        document = {
            "days": [each.as_json() for each in found],
            "funds": [funds.as_json(each) for each in forecast],
            "banks": [each.as_json() for each in failing],
            "left_standing": [each.named for each in standing],
        }
        rendering.document(document)
    elif not found:
        rendering.line("No day was materialised yet: run 'payouts run DAY'.")
    else:
        for each in found:
            rendering.day(each)
        rendering.waiting_for_funds(forecast)
        rendering.payees_banks(failing)
        rendering.left_standing(old_balances.sentences(standing))


@click.command()
@click.argument("days", metavar="[DAY]...", type=parameters.DAY, nargs=-1)
@click.option(
    "--provider",
    "with_provider",
    is_flag=True,
    help="Also compare every instruction, and every line of Stripe's journal, with what Stripe has.",
)
@click.option("--full", "is_full", is_flag=True, help="Also recompute every checkpoint, from the first entry on.")
@parameters.as_json
def verify(days: tuple[date, ...], with_provider: bool, is_full: bool, as_json: bool) -> None:
    """Recompute from the source lines and the ledger that the rules of money hold, for the DAYs or for everything.

    Changes nothing. Each violation is printed with the rule it breaks and the ids it is of; exit code 1 if there is
    any. What merely waits for its day to be materialised is a warning. Sums that earlier audits have made of entries
    are taken as they are; --full makes them anew, and names what was altered since.
    """
    from payouts_pipeline.reports.audit import audit

    if days and is_full:
        raise click.UsageError("--full looks at everything: name no day with it.")
    with ready_ledger(*([Need.STRIPE] if with_provider else [])) as ledger:
        found = audit(ledger, days or None, settings.minimum_payouts_minor(), full=is_full)
        if with_provider:
            found = replace(found, violations=found.violations + _at_stripe(ledger, days))
    _show(found, days, as_json)
    sys.exit(1 if found.errors else 0)


def _at_stripe(ledger: "Connection", days: Collection[date]) -> "list[Violation]":
    """Where the ledger and Stripe differ."""
    from payouts_pipeline.reports.journal_reconciliation import reconcile_journal
    from payouts_pipeline.reports.reconciliation import reconcile
    from payouts_pipeline.settlement.assemble import StripeAccount, settlement

    with settlement(settings.database_url(), StripeAccount.from_environment(), threads=1) as parts:
        found = reconcile(ledger, parts.stripe(), days or None)
        found += reconcile_journal(ledger, parts.stripe(), days or None)
        rendering.step(f"{parts.calls} questions to Stripe")
    return found


def _show(found: "Audit", days: Collection[date], as_json: bool) -> None:
    """The violations, and how much was looked at."""
    if as_json:
        rendering.document({"days": [day.isoformat() for day in sorted(days)] if days else None, **asdict(found)})
        return
    rendering.violations(found.violations)
    looked_at = f"{found.lines} lines, {found.instructions} instructions and {found.accounts} accounts"
    verdict = f"{len(found.errors)} violations" if found.errors else "all rules of money hold"
    rendering.line(f"Looked at {looked_at}: {verdict}.")
