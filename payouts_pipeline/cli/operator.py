"""What the commands do with which a person steps in, and the one that proves that all is well."""

import getpass
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date
from uuid import UUID

from payouts_pipeline import settings
from payouts_pipeline.cli import rendering
from payouts_pipeline.cli.commands import provider, ready, ready_ledger
from payouts_pipeline.domain.billing import Payee
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.ledger import database
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.local.environment import Need
from payouts_pipeline.reports import audit
from payouts_pipeline.workflow import operator_actions


def hold(payee: Payee, reason: str) -> None:
    """Hold a payee, and say what that holds back and what it is too late for."""
    with _ledger() as ledger, database.connect(settings.source_url(), "PAYOUTS_SOURCE_URL") as source:
        held = operator_actions.hold(ledger, source, payee, _actor(), reason)
    rendering.line(f"{payee} is on hold: {_instructions(held.held)} held back, and all that will be made for it.")
    for instruction_id in held.in_progress:
        rendering.line(f"  Instruction {instruction_id} is under way at Stripe and can't be held back any more.")


def release(payee: Payee, reason: str) -> None:
    """Release a payee from a hold."""
    with _ledger() as ledger:
        held = operator_actions.release(ledger, payee, _actor(), reason)
    rendering.line(f"{payee} is on hold no more: what is held of it ({_instructions(held)}) goes on when its day is "
              "materialised again, unless something else holds it.")  # fmt: skip


def list_holds() -> None:
    """Show who is on hold."""
    with _ledger() as ledger:
        held = operator_actions.holds(ledger)
    for payee, at, actor, why in held:
        rendering.line(f"{payee}  since {at:%Y-%m-%d %H:%M} by {actor}: {why}")
    if not held:
        rendering.line("Nobody is on hold.")


def approve(instruction_id: UUID, reason: str) -> None:
    """Approve an instruction above the limit."""
    with _ledger() as ledger:
        approved = operator_actions.approve(ledger, instruction_id, _actor(), reason)
    amount = format_minor(approved.amount_minor, approved.currency)
    rendering.line(
        f"Approved: {approved.billing_type} of {amount}. It goes on when {approved.day} is materialised again."
    )


def list_wanted_approvals() -> None:
    """Show what waits for approval, with ids that can be copied."""
    with _ledger() as ledger:
        waiting = operator_actions.wanted_approvals(ledger)
    for instruction_id, day, billing_type, currency, amount_minor, payee in waiting:
        rendering.line(f"{instruction_id}  {day}  {billing_type}  {payee}  {format_minor(amount_minor, currency)}")
    if not waiting:
        rendering.line("Nothing waits for approval.")


def cancel(instruction_id: UUID, reason: str) -> None:
    """Cancel an instruction."""
    with _ledger() as ledger:
        cancelled = operator_actions.cancel(ledger, instruction_id, _actor(), reason)
    amount = format_minor(cancelled.amount_minor, cancelled.currency)
    rendering.line(
        f"Cancelled: {cancelled.billing_type} of {amount}. It stands on the account again, and the next run of "
        f"{cancelled.day} makes a new instruction of what is due then."
    )


def verify(days: Collection[date] | None, with_provider: bool, as_json: bool) -> int:
    """Audit the days, or everything; the exit code."""
    from payouts_pipeline.reports.reconciliation import reconcile

    needs = [Need.LEDGER, *([Need.STRIPE] if with_provider else [])]
    with ready(needs), ready_ledger() as ledger:
        found = audit.audit(ledger, days, settings.minimum_payouts_minor())
        if with_provider:
            stripe = provider()
            found = replace(found, violations=found.violations + reconcile(ledger, stripe, days))
            rendering.step(f"{stripe.calls} questions to Stripe")
    _show(found, days, as_json)
    return 1 if found.errors else 0


def _show(found: audit.Audit, days: Collection[date] | None, as_json: bool) -> None:
    """The violations, and how much was looked at."""
    if as_json:
        rendering.document({"days": [day.isoformat() for day in sorted(days)] if days else None, **asdict(found)})
        return
    rendering.violations(found.violations)
    looked_at = f"{found.lines} lines, {found.instructions} instructions and {found.accounts} accounts"
    verdict = f"{len(found.errors)} violations" if found.errors else "all rules of money hold"
    rendering.line(f"Looked at {looked_at}: {verdict}.")


@contextmanager
def _ledger() -> Iterator[Connection]:
    with ready([Need.LEDGER]), ready_ledger() as ledger:
        yield ledger


def _actor() -> str:
    """Who stands behind a command in the history."""
    return f"cli {getpass.getuser()}"


def _instructions(count: int) -> str:
    return "1 instruction" if count == 1 else f"{count} instructions"
