"""Failpoints: every effect that a day, a refund, `payouts recover` or `payouts sync` has on the world, by name.

A crash can hurt only there.

Whatever commits, publishes, moves money, deletes a message or writes a file stands inside ``with failpoint(...)``, so
that tests can really kill the process just before and just after each of them. A test fails for one that does not.
In production nobody observes, and an effect costs less than a microsecond.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import Literal


class Failpoint(Enum):
    """One kind of effect, which a day, a recovery or a sync has once or many times."""

    WRITE_FRAME = auto()
    """Parquet: the snapshot or the splits of a day."""
    RESUME = auto()
    """Commit: instructions whose time has come, or whose cause was fixed, are pending again."""
    BOOK_DAY = auto()
    """Commit: the difference that a day's splits make, and the charges of it."""
    RELEASE_DAY = auto()
    """Commit: the shares of collected fees, and the payouts of them."""
    FUND_PAYOUTS = auto()
    """Commit: payouts that our balance does not cover wait, and those that it covers by now do not any more."""
    PUBLISH = auto()
    """SNS: up to ten pointers to instructions."""
    MARK_PUBLISHED = auto()
    """Commit: which pointers the bus has taken."""
    CLAIM = auto()
    """Commit: instructions taken by a worker, and the attempts that it is about to send."""
    SET_PAYMENT_METHOD = auto()
    """Commit: the card that an attempt charges."""
    CHARGE = auto()
    """Stripe: a payment intent that takes a player's money."""
    TRANSFER = auto()
    """Stripe: a transfer that pays a club, an organiser or a partner."""
    ORDER_RETURN = auto()
    """Commit: what an operator asks to be given back, and by which instruction."""
    REFUND = auto()
    """Stripe: a refund, which gives a player's money back."""
    REVERSE = auto()
    """Stripe: a reversal, which takes a payout back."""
    CANCEL_INTENT = auto()
    """Stripe: an earlier payment intent, which nobody can pay after it."""
    RECORD_OUTCOMES = auto()
    """Commit: what came of attempts, with the entries of what settled."""
    DELETE_MESSAGES = auto()
    """SQS: messages that are done with."""
    KEEP_MOVEMENTS = auto()
    """Commit: what Stripe has and the ledger did not know, as `payouts recover` finds it."""
    WAKE_MOVED = auto()
    """Commit: instructions of which something was found are to be judged now."""
    KEEP_TRANSACTIONS = auto()
    """Commit: a page of what has moved our account at Stripe, as it lists it."""
    ENTER_TRANSACTIONS = auto()
    """Commit: the entries of what is listed, and how far the list was read."""
    ENTER_RETURNS = auto()
    """Commit: the entries of what was refunded, disputed or reversed."""
    OPEN_JOURNAL = auto()
    """Commit: what stood on our account before the list begins."""
    PLAN_PAYOUTS = auto()
    """Commit: until when payouts wait for our balance, by what is pending there."""


Moment = Literal["before", "after"]
Observer = Callable[[Failpoint, Moment], None]

_observer: Observer | None = None


def observe(observer: Observer | None) -> None:
    """Have ``observer`` called around each effect of this process, in the thread that has it; None ends that."""
    global _observer
    _observer = observer


@contextmanager
def failpoint(name: Failpoint) -> Iterator[None]:
    """Mark the lines that have the effect: "after" means that it is certain, and nobody has made use of it yet."""
    if _observer:
        _observer(name, "before")
    yield
    if _observer:
        _observer(name, "after")
