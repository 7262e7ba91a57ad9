"""The commands with which a person steps in: `hold`, `unhold`, `confirm-account`, `approve`, `retry` and `cancel`."""

import getpass
import sys
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

import click

from payouts_pipeline import settings
from payouts_pipeline.cli import parameters, rendering
from payouts_pipeline.cli.start_up import Need, ready_ledger
from payouts_pipeline.domain.billing import RETURN_TYPES, Payee
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.domain.instructions import Status

if TYPE_CHECKING:
    from payouts_pipeline.ledger.instructions import Instruction


@click.command()
@click.argument("payee", type=parameters.PAYEE, required=False)
@parameters.reason
def hold(payee: Payee | None, reason: str | None) -> None:
    """Hold back everything of PAYEE (club:17, organiser:3, partner:1, player:9) that is not in progress at Stripe.

    It stays held, also what is made later, until 'payouts unhold'. Without PAYEE: list who is on hold.
    """
    from payouts_pipeline.ledger import database
    from payouts_pipeline.workflow import operator_actions

    if payee is None:
        _list_holds()
        return
    why = parameters.given(reason)
    with ready_ledger() as ledger, database.connect(settings.source_url(), "PAYOUTS_SOURCE_URL") as source:
        held = operator_actions.hold(ledger, source, payee, actor(), why)
    rendering.line(f"{payee} is on hold: {_instructions(held.held)} held back, and all that will be made for it.")
    for instruction_id in held.in_progress:
        rendering.line(f"  Instruction {instruction_id} is in progress at Stripe and can't be held back any more.")


def _list_holds() -> None:
    from payouts_pipeline.ledger import holds

    with ready_ledger() as ledger:
        held = holds.list_holds(ledger)
    for payee, at, actor, why in held:
        rendering.line(f"{payee}  since {at:%Y-%m-%d %H:%M} by {actor}: {why}")
    if not held:
        rendering.line("Nobody is on hold.")


@click.command()
@click.argument("payee", type=parameters.PAYEE)
@parameters.reason
def unhold(payee: Payee, reason: str | None) -> None:
    """Lift the hold on PAYEE: what was held continues when its day is materialised again."""
    from payouts_pipeline.workflow import operator_actions

    why = parameters.given(reason)
    with ready_ledger() as ledger:
        held = operator_actions.unhold(ledger, payee, actor(), why)
    rendering.line(
        f"{payee} is no longer on hold: what is held of it ({_instructions(held)}) continues when its day is "
        "materialised again, unless something else holds it."
    )


@click.command("confirm-account")
@click.argument("payee", type=parameters.PAYEE, required=False)
@parameters.reason
def confirm_account(payee: Payee | None, reason: str | None) -> None:
    """Say that the Stripe account of PAYEE, which has changed or is another payee's as well, is its own.

    Ask the payee first, by a way that you know. What is held for it continues when its day is materialised again.
    Without PAYEE: list whose accounts are to be confirmed.
    """
    from payouts_pipeline.workflow import operator_actions

    if payee is None:
        _list_accounts_to_confirm()
        return
    why = parameters.given(reason)
    with ready_ledger() as ledger:
        found = operator_actions.confirm_account(ledger, payee, actor(), why)
    rendering.line(
        f"Confirmed: the account of {payee} that ends in {found.ending}. What is held for it "
        f"({_instructions(found.instructions)}) continues when its day is materialised again."
    )


def _list_accounts_to_confirm() -> None:
    """With the end of each id, to compare with what the payee says."""
    from payouts_pipeline.ledger import payee_accounts

    with ready_ledger() as ledger:
        waiting = payee_accounts.to_confirm(ledger)
    for each in waiting:
        rendering.line(
            f"{each.payee}  account ending in {each.ending}, seen {each.seen_at:%Y-%m-%d %H:%M}: {each.reason} "
            f"({_instructions(each.instructions)})"
        )
    if not waiting:
        rendering.line("No account waits to be confirmed.")


@click.command()
@click.argument("subject", metavar="[INSTRUCTION|DAY]", type=parameters.TO_APPROVE, required=False)
@parameters.reason
def approve(subject: UUID | date | None, reason: str | None) -> None:
    """Let an INSTRUCTION above PAYOUTS_APPROVAL_ABOVE go, or the payouts of a DAY that are above it together.

    They continue when their day is materialised again. Who has asked for it, accepted the change behind it, confirmed
    the account or moved the balance can't: another person must. Without INSTRUCTION and DAY: list what waits for
    approval.
    """
    if subject is None:
        _list_wanted_approvals()
        return
    why = parameters.given(reason)
    if isinstance(subject, date):
        _approve_day(subject, why)
    else:
        _approve_instruction(subject, why)


def _approve_day(day: date, why: str) -> None:
    from payouts_pipeline.workflow import operator_actions

    with ready_ledger() as ledger:
        approved = operator_actions.approve_day(ledger, day, actor(), why)
    for currency, count, amount_minor in approved:
        rendering.line(f"Approved: {count} payouts of {format_minor(amount_minor, currency)}.")
    rendering.line(f"They continue when {day} is materialised again.")


def _approve_instruction(instruction: UUID, why: str) -> None:
    from payouts_pipeline.workflow import operator_actions

    with ready_ledger() as ledger:
        approved = operator_actions.approve(ledger, instruction, actor(), why)
    amount = format_minor(approved.amount_minor, approved.currency)
    rendering.line(
        f"Approved: {approved.billing_type} of {amount}. It continues when {approved.day} is materialised again."
    )


def _list_wanted_approvals() -> None:
    """With ids that can be copied."""
    from payouts_pipeline.ledger import holds

    with ready_ledger() as ledger:
        waiting = holds.list_wanted_approvals(ledger)
    for instruction_id, day, billing_type, currency, amount_minor, payee, is_of_day in waiting:
        how = f"  with its day: payouts approve {day}" if is_of_day else ""
        rendering.line(f"{instruction_id}  {day}  {billing_type}  {payee}  {format_minor(amount_minor, currency)}{how}")
    if not waiting:
        rendering.line("Nothing waits for approval.")


@click.command()
@click.option("--code", required=True, help="Why Stripe refused them, as the ledger has it: resource_missing, ...")
@click.option("--day", type=parameters.DAY, help="Only this day's; otherwise those of all days.")
@parameters.reason
def retry(code: str, day: date | None, reason: str | None) -> None:
    """Bring back all that Stripe refused with one CODE, rejected or waiting: it is sent with the next run of its day.

    For a cause that was fixed outside of schema 'league', such as our own account at Stripe. What somebody has paid
    meanwhile is settled, and what a person holds stays held.
    """
    from payouts_pipeline.ledger import database
    from payouts_pipeline.workflow.resume import retry as bring_back

    why = parameters.given(reason)
    with ready_ledger() as ledger, database.connect(settings.source_url(), "PAYOUTS_SOURCE_URL") as source:
        retried = bring_back(ledger, source, code, day, actor(), why, settings.account_rest())
    for of_day, count in retried.pending.items():
        rendering.line(f"{_instructions(count)} of {of_day}: sent with the next run, or now by 'payouts run {of_day}'.")
    if retried.held:
        rendering.line(f"{_instructions(retried.held)} held for another reason: see 'payouts status'.")


@click.command()
@click.argument("instruction", type=click.UUID)
@parameters.reason
def cancel(instruction: UUID, reason: str | None) -> None:
    """Cancel an INSTRUCTION of which nothing is in progress at Stripe, and put its amount back on the account.

    If it was ever sent, Stripe is asked first: what was paid meanwhile is settled instead. Exit code 1 if it is not
    cancelled.

    What is still owed then is no less: the next materialisation of the day makes a new instruction of it. To keep
    somebody from being paid or charged, hold the payee first (payouts hold).
    """
    from payouts_pipeline.workflow import operator_actions

    why = parameters.given(reason)
    with ready_ledger() as ledger:
        found = operator_actions.cancel(ledger, instruction, actor(), why)
    if found.status != Status.CANCELLED:
        rendering.line("It was sent before: Stripe is asked whether it was paid meanwhile.")
        found = _settled_now(instruction)
    rendering.line(_what_was_cancelled(found))
    sys.exit(0 if found.status == Status.CANCELLED else 1)


@click.command()
@click.argument("instruction", type=click.UUID)
@click.option("--reference", metavar="ID", help="The payment (pi_...) or transfer (tr_...) at Stripe that was its own.")
@click.option("--not-moved", is_flag=True, help="Nothing of it has moved; what Stripe shows for it is not its own.")
@parameters.reason
def resolve(instruction: UUID, reference: str | None, not_moved: bool, reason: str | None) -> None:
    """Say what became of an INSTRUCTION that stays unknown, after looking at Stripe's dashboard.

    Stripe is asked all the same: a reference counts once Stripe confirms amount and payee; that nothing has moved
    counts where Stripe can't say, a day after the call. It is then sent anew. Exit code 1 if it is still unknown.
    """
    from payouts_pipeline.workflow import operator_actions

    if (reference is None) != not_moved:
        raise click.UsageError("Say what became of it: either --reference ID or --not-moved.")
    why = parameters.given(reason)
    with ready_ledger() as ledger:
        operator_actions.judge(ledger, instruction, reference, actor(), why)
    found = _settled_now(instruction)
    rendering.line(_what_was_resolved(found))
    sys.exit(1 if found.status == Status.UNKNOWN else 0)


def _what_was_resolved(found: "Instruction") -> str:
    which = f"{found.billing_type} of {format_minor(found.amount_minor, found.currency)}"
    if found.status == Status.UNKNOWN:
        return f"Still unknown: {which}. {found.reason}; 'payouts explain {found.id}' shows what is known of it."
    if found.status == Status.SETTLED:
        return f"Settled: {which}."
    return f"Resolved: {which} is {found.status}: {found.reason}."


def _settled_now(instruction: UUID) -> "Instruction":
    """What becomes of an instruction that a worker looks at now."""
    from payouts_pipeline.settlement.assemble import StripeAccount, settlement
    from payouts_pipeline.workflow import operator_actions

    account = StripeAccount.from_environment
    with ready_ledger(Need.STRIPE) as ledger, settlement(settings.database_url(), account(), threads=1) as parts:
        return operator_actions.settle_now(ledger, parts, instruction)


def _what_was_cancelled(found: "Instruction") -> str:
    which = f"{found.billing_type} of {format_minor(found.amount_minor, found.currency)}"
    if found.status == Status.CANCELLED and found.billing_type in RETURN_TYPES:
        return f"Cancelled: {which}. Nothing was given back by it."
    if found.status == Status.CANCELLED:
        return (
            f"Cancelled: {which}. It stands on the account again, and the next run of {found.day} makes a new "
            "instruction of what is due then."
        )
    if found.status == Status.SETTLED:
        return f"Not cancelled: {which} was paid meanwhile, and is settled."
    return f"Not cancelled yet: {which}. Stripe is asked again automatically; see 'payouts explain {found.id}'."


def actor() -> str:
    """Who stands behind a command in the history."""
    return f"cli {getpass.getuser()}"


def _instructions(count: int) -> str:
    return "1 instruction" if count == 1 else f"{count} instructions"
