"""What a person has to do about money that has not settled: one sentence for each status and reason.

Most of what is open goes on by itself, and saying so is half of the answer to "what must I do?".
"""

from dataclasses import dataclass

from payouts_pipeline.domain.billing import BillingSubject
from payouts_pipeline.domain.instructions import Status

_GOES_ON = "nothing: it goes on by itself"


@dataclass(frozen=True)
class Todo:
    """What to do, and whether nothing moves before a person has done it."""

    text: str
    needs_person: bool = True


def what_to_do(status: str, subject: str, reason: str | None) -> Todo:
    """What gets an instruction of this status and reason going; ``subject`` is the kind of payee or player."""
    why = reason or ""
    if status == Status.HELD:
        return _of_held(subject, why)
    if status == Status.REJECTED:
        return _of_rejected(subject, why)
    if status == Status.WAITING:
        return _of_waiting(why)
    if status == Status.UNKNOWN:
        return Todo(
            "nothing: Stripe is asked again by itself; do not pay it by other means meanwhile", needs_person=False
        )
    return Todo(_GOES_ON, needs_person=False)


def _of_held(subject: str, why: str) -> Todo:
    if why.startswith("on hold"):
        return Todo("lift the hold once it may go on: payouts release")
    if "waits for approval" in why:
        return Todo("check the amount, then: payouts approve")
    if "has no Stripe" in why:
        what = "customer" if subject == BillingSubject.PLAYER else "account"
        return Todo(f"enter the {subject}'s Stripe {what} in league ({subject}s): then it goes on by itself")
    return Todo(_GOES_ON, needs_person=False)


def _of_rejected(subject: str, why: str) -> Todo:
    if why.startswith("the amount is"):
        return Todo("payouts cancel, and correct the terms in league")
    if subject == BillingSubject.PLAYER:
        return Todo("ask the player for a card that works and enter it in league (players): then it goes on by itself")
    return Todo(
        f"ask the {subject} for an account that takes transfers and enter it in league ({subject}s): "
        "then it goes on by itself"
    )


def _of_waiting(why: str) -> Todo:
    if "our API key" in why:
        return Todo("mend STRIPE_API_KEY: then it is tried again by itself")
    if why.startswith("our balance"):
        return Todo(
            "nothing: it is tried again by itself; top up the balance at Stripe if it stays", needs_person=False
        )
    return Todo("nothing: it is tried again by itself", needs_person=False)
