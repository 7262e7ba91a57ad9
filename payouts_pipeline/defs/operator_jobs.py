"""What an operator does without a shell: jobs with a form, beside the commands of the same names.

Each says who asks for it and why, as the history shows it. Those of one instruction or change only show what it is
about, until ``is_confirmed`` is set.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import UUID

import dagster as dg
from pydantic import Field

from payouts_pipeline import settings
from payouts_pipeline.defs.resources import LedgerResource
from payouts_pipeline.domain.billing import Payee
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.domain.persons import readable
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import holds, instructions, payee_accounts, proposals
from payouts_pipeline.settings import Calendar
from payouts_pipeline.workflow import operator_actions, resume
from payouts_pipeline.workflow.preview import preview

_UNCONFIRMED = "Nothing was changed: run it again with is_confirmed to do it."


class _Step(dg.Config):
    """Who steps in, and why."""

    person: str = Field(description="Your name, as the history shows it.")
    reason: str = Field(description="Why, for whoever reads the history.")

    @property
    def actor(self) -> str:
        """As the ledger notes it."""
        return f"ui {readable(self.person, 'person')}"

    @property
    def why(self) -> str:
        """The reason, of characters that one can see."""
        return readable(self.reason, "reason")


class OfPayee(_Step):
    """A step that concerns a payee."""

    payee: str = Field(description="Whom: club:17, organiser:3, partner:1 or player:9.", examples=["club:17"])


class OfAccount(OfPayee):
    """A step that concerns the Stripe account of a payee."""

    is_confirmed: bool = Field(default=False, description="Without it, the run only shows what it is about.")


class OfInstruction(_Step):
    """A step that concerns an instruction."""

    instruction: str = Field(description="The id of the instruction, as the table 'open' of an asset has it.")
    is_confirmed: bool = Field(default=False, description="Without it, the run only shows what it is about.")

    @property
    def id(self) -> UUID:
        """Its id; raises PayoutsError where it is none."""
        try:
            return UUID(self.instruction.strip())
        except ValueError:
            raise PayoutsError(f"'{self.instruction}' is not the id of an instruction.") from None


class OfCode(_Step):
    """A step that concerns all that Stripe has refused for one reason."""

    code: str = Field(description="Why Stripe refused it, as the reason code says.", examples=["resource_missing"])
    day: str = Field(default="", description="Only this day's, like 2026-01-31; otherwise those of all days.")


class OfDay(dg.Config):
    """A look at a day."""

    day: str = Field(description="The day, like 2026-01-31.", examples=["2026-01-31"])


class OfChange(_Step):
    """A step that concerns what waits of a day."""

    day: str = Field(description="The day, like 2026-01-31.", examples=["2026-01-31"])
    is_confirmed: bool = Field(default=False, description="Without it, the run only shows what waits.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise PayoutsError(f"'{text}' is not a day: give one like 2026-01-31.") from None


def _hold(config: OfPayee, ledger: LedgerResource) -> str:
    """Holds back everything of a payee that is not in progress at Stripe, also what is made later."""
    payee = Payee.parse(config.payee)
    with ledger.connect() as connection, ledger.connect_source() as source:
        held = operator_actions.hold(connection, source, payee, config.actor, config.why)
    return f"{payee} is on hold: {held.held} instructions held back; {len(held.in_progress)} are in progress at Stripe."


def _unhold(config: OfPayee, ledger: LedgerResource) -> str:
    """Lifts the hold on a payee, and lets what Stripe took back of it be asked for, or paid, again."""
    payee = Payee.parse(config.payee)
    with ledger.connect() as connection:
        held = operator_actions.unhold(connection, payee, config.actor, config.why)
    return f"{payee} is no longer on hold: {held} instructions continue when their days are materialised."


def _confirm_account(config: OfAccount, ledger: LedgerResource) -> str:
    """Says that the Stripe account of a payee, which has changed or is another payee's as well, is its own."""
    payee = Payee.parse(config.payee)
    with ledger.connect() as connection:
        found = next(iter(payee_accounts.to_confirm(connection, payee)), None)
        if found is None or config.is_confirmed:
            found = operator_actions.confirm_account(connection, payee, config.actor, config.why)
            return f"The account of {payee} ending in {found.ending} is confirmed; {found.instructions} payouts go on."
    return f"{payee}, account ending in {found.ending}: {found.reason}. {_UNCONFIRMED}"


def _approve(config: OfInstruction, ledger: LedgerResource) -> str:
    """Lets an instruction above PAYOUTS_APPROVAL_ABOVE go with the next materialisation of its day."""
    with ledger.connect() as connection:
        found = instructions.find(connection, config.id)
        if config.is_confirmed:
            operator_actions.approve(connection, config.id, config.actor, config.why)
    return _about(found, config.is_confirmed, "is approved")


def _approve_day(config: OfChange, ledger: LedgerResource) -> str:
    """Lets the payouts of a day go that are above the limit of PAYOUTS_APPROVAL_ABOVE for a day together."""
    day = _day(config.day)
    with ledger.connect() as connection:
        if not config.is_confirmed:
            return f"{holds.wants_approval_of_day(connection, day)} payouts of {day} wait for it. {_UNCONFIRMED}"
        approved = operator_actions.approve_day(connection, day, config.actor, config.why)
    sums = ", ".join(f"{count} of {format_minor(amount, currency)}" for currency, count, amount in approved)
    return f"Approved for {day}: {sums}. They continue when the day is materialised."


def _cancel(config: OfInstruction, ledger: LedgerResource) -> str:
    """Cancels an instruction; one that was ever sent with its day's next materialisation, once Stripe was asked."""
    with ledger.connect() as connection:
        found = instructions.find(connection, config.id)
        if config.is_confirmed:
            operator_actions.cancel(connection, config.id, config.actor, config.why)
    return _about(found, config.is_confirmed, "is cancelled, or will be once Stripe was asked")


def _about(found: instructions.Instruction, is_confirmed: bool, what: str) -> str:
    which = f"{found.billing_type} of {format_minor(found.amount_minor, found.currency)} to or from {found.payee}"
    return f"{which}, {found.day}, {what if is_confirmed else found.status}. {'' if is_confirmed else _UNCONFIRMED}"


def _retry(config: OfCode, ledger: LedgerResource) -> str:
    """Brings back all that Stripe refused with one code; Stripe is asked about each before it is sent."""
    day = _day(config.day) if config.day else None
    with ledger.connect() as connection, ledger.connect_source() as source:
        retried = resume.retry(connection, source, config.code, day, config.actor, config.why, settings.account_rest())
    days = ", ".join(f"{count} of {of_day}" for of_day, count in retried.pending.items())
    return f"Brought back: {days or 'none'}. {retried.held} stay held for another reason."


def _accept(config: OfChange, ledger: LedgerResource) -> str:
    """Lets a change of a day be booked that is beyond PAYOUTS_CHANGE_LIMIT: just what was proposed."""
    day = _day(config.day)
    with ledger.connect() as connection:
        found = proposals.find(connection, day)
        if found is None or config.is_confirmed:
            found = proposals.accept(connection, day, config.actor, config.why)
            return f"Accepted for {day}: {found.reason}. It is booked when the day is materialised."
    return f"{day}: {found.reason}. {_UNCONFIRMED}"


def _preview(config: OfDay, ledger: LedgerResource) -> str:
    """Shows what materialising a day would book, charge and pay now; nothing is written or sent."""
    limits = settings.minimum_payouts_minor(), settings.limits(), ledger.change_limit
    with ledger.connect() as connection, ledger.connect_source() as source:
        found = preview(connection, source, _day(config.day), Calendar.from_environment().timezone, *limits)
    lines = [f"A change waits: {found.proposal.reason}."] if found.proposal else []
    lines += [
        f"{each.fees} fees: {format_minor(each.added_minor, each.currency)} added, "
        f"{format_minor(each.taken_back_minor, each.currency)} taken back"
        for each in found.fees
    ]
    lines += [
        f"{each.count} of {each.billing_type}, {format_minor(each.amount_minor, each.currency)}: {each.status}"
        for each in found.instructions
    ]
    return "\n\n".join(lines) or "Nothing would change."


_STEPS: Mapping[str, Callable[..., str]] = {
    "hold_payee": _hold,
    "unhold_payee": _unhold,
    "confirm_account": _confirm_account,
    "approve_instruction": _approve,
    "approve_day": _approve_day,
    "cancel_instruction": _cancel,
    "retry_refused": _retry,
    "accept_change": _accept,
    "preview_day": _preview,
}


def build_operator_jobs() -> list[dg.JobDefinition]:
    """A job for each step."""
    return [_job(name, step) for name, step in _STEPS.items()]


def _job(name: str, step: Callable[..., str]) -> dg.JobDefinition:
    def run(context: dg.OpExecutionContext, config: Any, ledger: LedgerResource) -> None:
        with _said():
            text = step(config, ledger)
        context.log.info(text)
        context.add_output_metadata({"result": dg.MetadataValue.md(text)})

    # Dagster makes the form of it.
    run.__annotations__["config"] = step.__annotations__["config"]
    op = dg.op(name=f"{name}_step", description=step.__doc__)(run)

    @dg.job(name=name, description=step.__doc__, executor_def=dg.in_process_executor)
    def made() -> None:
        op()

    return made


@contextmanager
def _said() -> Iterator[None]:
    """An error that is meant for people is one sentence."""
    try:
        yield
    except PayoutsError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
