"""What gets money going that has not settled: for many instructions, in sentences that can be counted, and for one.

Both follow from the one table of `causes`. Most of what is open goes on by itself, and saying so is half of the answer
to "what must I do?".
"""

from dataclasses import dataclass

from payouts_pipeline.domain.billing import BillingSubject
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.reports.causes import Cause, cause_of
from payouts_pipeline.reports.explain.funds_location import Movement

_GOES_ON = "nothing: it goes on by itself"
_TRIED_AGAIN = "nothing: it is tried again by itself"


@dataclass(frozen=True)
class Todo:
    """What to do, and whether nothing moves before a person has done it."""

    text: str
    needs_person: bool = True


def what_to_do(status: str, subject: str, reason: str | None) -> Todo:
    """What gets an instruction of this status and reason going; ``subject`` is the kind of payee or player."""
    if status == Status.UNKNOWN:
        return Todo(
            "nothing: Stripe is asked again by itself; do not pay it by other means meanwhile", needs_person=False
        )
    cause = cause_of(status, reason)
    if cause == Cause.OUR_BALANCE:
        return Todo(f"{_TRIED_AGAIN}; top up the balance at Stripe if it stays", needs_person=False)
    if cause == Cause.NOTHING:
        return Todo(_TRIED_AGAIN if status == Status.WAITING else _GOES_ON, needs_person=False)
    return Todo(_of_person(cause, subject))


def _of_person(cause: Cause, subject: str) -> str:
    """What nobody but a person can do."""
    texts = {
        Cause.ON_HOLD: "lift the hold once it may go on: payouts release",
        Cause.WANTS_APPROVAL: "check the amount, then: payouts approve",
        Cause.AMOUNT: "payouts cancel, and correct the terms in league",
        Cause.OUR_KEY: "mend STRIPE_API_KEY: then it is tried again by itself",
        Cause.NOT_AT_STRIPE: _missing(subject),
        Cause.CARD_OR_ACCOUNT: _refused(subject),
    }
    return texts[cause]


def _missing(subject: str) -> str:
    what = "customer" if subject == BillingSubject.PLAYER else "account"
    return f"enter the {subject}'s Stripe {what} in league ({subject}s): then it goes on by itself"


def _refused(subject: str) -> str:
    """What is mended at Stripe (an onboarding finished, a card authenticated) does not show in league."""
    is_player = subject == BillingSubject.PLAYER
    wanted = "a card that works" if is_player else "an account that takes transfers"
    return (
        f"ask the {subject} for {wanted} and enter it in league ({subject}s): then it goes on by itself; "
        f"the same {'card' if is_player else 'account'}, once mended: payouts cancel, then run the day"
    )


def next_step(movement: Movement) -> str | None:
    """What would move an instruction that is not settled; None for one that is."""
    run = f"'payouts run {movement.day}'"
    steps = {
        Status.HELD: f"it goes on by itself, or with {run}",
        Status.PENDING: f"{run} publishes it",
        Status.PUBLISHED: f"a worker takes it up ('payouts worker', or {run})",
        Status.SENDING: f"Stripe answers; if the worker was lost, {run} asks Stripe",
        Status.WAITING: f"{_tried_again(movement)}, and at once with a new {movement.means} in 'league'",
        Status.UNKNOWN: f"Stripe is asked what came of it, by itself or with {run}",
        Status.CANCELLED: f"its amount is back on the account: {run} makes a new instruction of what is due then",
    }
    return _what_mends(movement) or steps.get(Status(movement.status))


def _what_mends(movement: Movement) -> str | None:
    """What gets rid of the cause that keeps an instruction from going on; None where there is none but time."""
    run = f"'payouts run {movement.day}'"
    goes_on = f"then it goes on by itself, or with {run}"
    again = f"'payouts cancel {movement.id} --reason ...', then {run}"
    subject = movement.payee.partition(":")[0]
    mends = {
        Cause.ON_HOLD: f"'payouts release {movement.payee} --reason ...'; {goes_on}",
        Cause.WANTS_APPROVAL: f"'payouts approve {movement.id} --reason ...'; {goes_on}",
        Cause.NOT_AT_STRIPE: f"the Stripe {'customer' if movement.is_charge else 'account'} of the {subject} in schema "
        f"'league'; {goes_on}",
        Cause.AMOUNT: f"other terms in schema 'league', and {again}",
        Cause.CARD_OR_ACCOUNT: f"a new {movement.means} in schema 'league': {goes_on}; with the same {movement.means}, "
        f"mended at Stripe: {again}",
        Cause.OUR_KEY: f"a STRIPE_API_KEY that Stripe takes: {_tried_again(movement)}",
        Cause.OUR_BALANCE: f"money on our balance at Stripe: {_tried_again(movement)}",
    }
    return mends.get(cause_of(movement.status, movement.reason))


def _tried_again(movement: Movement) -> str:
    """As it reads after the time of the next try."""
    return f"it is tried again then, by itself or with 'payouts run {movement.day}'"
