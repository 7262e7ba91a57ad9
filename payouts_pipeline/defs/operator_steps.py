"""What a person may do to instructions, payees and changes in the UI: hold, approve, cancel, bring back, accept."""

from uuid import uuid4

from payouts_pipeline import settings
from payouts_pipeline.defs import operator_forms as forms
from payouts_pipeline.defs.operator_forms import UNCONFIRMED
from payouts_pipeline.defs.resources import LedgerResource
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.ledger import holds, instructions, payee_accounts, previews, proposals, returns
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.instructions import Instruction
from payouts_pipeline.workflow import operator_actions, resume


def hold(config: forms.OfPayee, ledger: LedgerResource) -> str:
    """Holds back everything of a payee that is not in progress at Stripe, also what is made later."""
    payee = config.whom
    with ledger.connect() as connection, ledger.connect_source() as source:
        held = operator_actions.hold(connection, source, payee, config.actor, config.why)
    return f"{payee} is on hold: {held.held} instructions held back; {len(held.in_progress)} are in progress at Stripe."


def unhold(config: forms.ConfirmedOfPayee, ledger: LedgerResource) -> str:
    """Lifts the hold on a payee, and lets what Stripe took back of it be asked for, or paid, again."""
    payee = config.whom
    with ledger.connect() as connection, previews.rehearsal(connection, is_meant=config.is_confirmed):
        again = [
            f"{format_minor(minor, currency)} again" for currency, minor in returns.held(connection, payee).items()
        ]
        operator_actions.unhold(connection, payee, config.actor, config.why)
        again += [
            f"{count} {billing_type} of {format_minor(minor, currency)}"
            for billing_type, currency, count, minor in holds.held_amounts(connection, payee)
        ]
    what = f"{', '.join(again) or 'nothing'}, with the next materialisation unless something else holds it"
    if config.is_confirmed:
        return f"{payee} is no longer on hold. What goes on: {what}."
    return f"{payee}, let go, would be asked for or paid: {what}. {UNCONFIRMED}"


def confirm_account(config: forms.ConfirmedOfPayee, ledger: LedgerResource) -> str:
    """Says that the Stripe account of a payee, which has changed or is another payee's as well, is its own."""
    payee = config.whom
    with ledger.connect() as connection:
        found = next(iter(payee_accounts.to_confirm(connection, payee)), None)
        if found is None or config.is_confirmed:
            found = operator_actions.confirm_account(connection, payee, config.actor, config.why)
            return f"The account of {payee} ending in {found.ending} is confirmed; {found.instructions} payouts go on."
    return f"{payee}, account ending in {found.ending}: {found.reason}. {UNCONFIRMED}"


def approve(config: forms.OfInstruction, ledger: LedgerResource) -> str:
    """Lets an instruction above PAYOUTS_APPROVAL_ABOVE go with the next materialisation of its day."""
    with ledger.connect() as connection:
        found = instructions.find(connection, config.id)
        if config.is_confirmed:
            operator_actions.approve(connection, config.id, config.actor, config.why)
    return about(found, config.is_confirmed, "is approved")


def approve_day(config: forms.OfChange, ledger: LedgerResource) -> str:
    """Lets the payouts of a day go that are above the limit of PAYOUTS_APPROVAL_ABOVE for a day together."""
    day = forms.day(config.day)
    with ledger.connect() as connection:
        if not config.is_confirmed:
            return f"{holds.wants_approval_of_day(connection, day)} payouts of {day} wait for it. {UNCONFIRMED}"
        approved = operator_actions.approve_day(connection, day, config.actor, config.why)
    sums = ", ".join(f"{count} of {format_minor(amount, currency)}" for currency, count, amount in approved)
    return f"Approved for {day}: {sums}. They continue when the day is materialised."


def cancel(config: forms.OfInstruction, ledger: LedgerResource) -> str:
    """Cancels an instruction; one that was ever sent with its day's next materialisation, once Stripe was asked."""
    with ledger.connect() as connection:
        found = instructions.find(connection, config.id)
        if config.is_confirmed:
            operator_actions.cancel(connection, config.id, config.actor, config.why)
    return about(found, config.is_confirmed, "is cancelled, or will be once Stripe was asked")


def about(found: Instruction, is_confirmed: bool, what: str) -> str:
    """Which instruction it is, and what was done to it."""
    which = f"{found.billing_type} of {format_minor(found.amount_minor, found.currency)} to or from {found.payee}"
    return f"{which}, {found.day}, {what if is_confirmed else found.status}. {'' if is_confirmed else UNCONFIRMED}"


def retry(config: forms.OfCode, ledger: LedgerResource) -> str:
    """Brings back all that Stripe refused with one code; Stripe is asked about each before it is sent."""
    day = forms.day_if_given(config.day)
    # A name of its own, by which what a rehearsal has done can be found before it is undone.
    actor = config.actor if config.is_confirmed else f"preview {uuid4()}"
    with (
        ledger.connect_source() as source,
        ledger.connect() as connection,
        previews.rehearsal(connection, is_meant=config.is_confirmed),
    ):
        code, rest = config.code.strip(), settings.account_rest()
        retried = resume.retry(connection, source, code, day, actor, config.why, rest)
        amounts = [] if config.is_confirmed else _amounts(connection, actor)
    days = ", ".join(f"{count} of {of_day}" for of_day, count in retried.pending.items())
    if config.is_confirmed:
        return f"Brought back: {days or 'none'}. {retried.held} stay held for another reason."
    would = f"Would be sent again: {', '.join(amounts) or 'none'}; {retried.held} stay held for another reason."
    return f"{would} {UNCONFIRMED}"


def _amounts(connection: Connection, actor: str) -> list[str]:
    moved = previews.moved(connection, actor, previews.last_event(connection))
    return [
        f"{each.count} {each.billing_type}, {format_minor(each.amount_minor, each.currency)}"
        for each in moved
        if each.status == "pending"
    ]


def accept(config: forms.OfChange, ledger: LedgerResource) -> str:
    """Lets a change of a day be booked that is beyond PAYOUTS_CHANGE_LIMIT: just what was proposed."""
    day = forms.day(config.day)
    with ledger.connect() as connection:
        found = proposals.find(connection, day)
        if found is None or config.is_confirmed:
            found = proposals.accept(connection, day, config.actor, config.why)
            return f"Accepted for {day}: {found.reason}. It is booked when the day is materialised."
    return f"{day}: {found.reason}. {UNCONFIRMED}"
