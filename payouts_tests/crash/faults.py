"""The faults that a day must survive, by name: ``CLAIM:after:2`` is the second claim, killed just after it.

- ``before`` and ``after``: the process is killed by SIGKILL just before, or just after, the effect.
- ``lost``: the effect happens, and its answer never arrives: the connection is cut once the server has answered.
- ``foreign``: the effect happens, and what answers is not the server but something in between, with HTML and 403.
- what the Stripe emulator can do to a call: act and hang up, hang up, store a 500, answer as somebody else, ...
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from payouts_pipeline.failpoints import Failpoint
from payouts_pipeline.local.stripe_emulator.admin import FaultKind, FaultRule, OtherAnswer

KILLS = ("before", "after")
LOST, FOREIGN = "lost", "foreign"
THROUGH_PROXY = (LOST, FOREIGN)

# Longer than the victim waits for an answer of Stripe.
SLOW_S = 2.5

_ENDPOINTS = {
    Failpoint.CHARGE: "/v1/payment_intents",
    Failpoint.TRANSFER: "/v1/transfers",
    Failpoint.CANCEL_INTENT: "/v1/payment_intents/pi_",
    Failpoint.REFUND: "/v1/refunds",
    Failpoint.REVERSE: "/v1/transfers/tr_",
}
_OVER_HTTP = {Failpoint.PUBLISH, Failpoint.DELETE_MESSAGES}
_NOT_STRIPES = OtherAnswer.foreign(403, "<html><body><h1>403 Forbidden</h1></body></html>")
_AT_STRIPE: Mapping[str, FaultRule] = {
    "drop_before": FaultRule(kind=FaultKind.DROP_BEFORE),
    "drop_after": FaultRule(kind=FaultKind.DROP_AFTER),
    "drop_during": FaultRule(kind=FaultKind.DROP_DURING),
    "error_500": FaultRule(kind=FaultKind.ERROR_500),
    "conflict_409": FaultRule(kind=FaultKind.CONFLICT_409),
    "stored_500": FaultRule(kind=FaultKind.STORED_500),
    "stored_500_acted": FaultRule(kind=FaultKind.STORED_500, acted=True),
    "foreign": FaultRule(kind=FaultKind.OTHER_ANSWER, answer=_NOT_STRIPES, acted=True),
    "foreign_unpassed": FaultRule(kind=FaultKind.OTHER_ANSWER, answer=_NOT_STRIPES),
    "foreign_empty": FaultRule(kind=FaultKind.OTHER_ANSWER, answer=OtherAnswer.foreign(200), acted=True),
    "slow": FaultRule(kind=FaultKind.SLOW, delay_s=SLOW_S),
    "slow_after": FaultRule(kind=FaultKind.SLOW_AFTER, delay_s=SLOW_S),
}
# How often each effect occurs at least in the day of `scenario`; a batch of messages can come in parts.
OCCURRENCES = {
    Failpoint.WRITE_FRAME: 2,
    Failpoint.RESUME: 1,
    Failpoint.BOOK_DAY: 1,
    Failpoint.RELEASE_DAY: 1,
    Failpoint.FUND_PAYOUTS: 1,
    Failpoint.PUBLISH: 2,
    Failpoint.MARK_PUBLISHED: 2,
    Failpoint.CLAIM: 2,
    Failpoint.SET_PAYMENT_METHOD: 3,
    Failpoint.CHARGE: 3,
    Failpoint.TRANSFER: 3,
    Failpoint.RECORD_OUTCOMES: 2,
    Failpoint.DELETE_MESSAGES: 2,
    Failpoint.CANCEL_INTENT: 1,
}
# And in a recovery after that day was lost.
OCCURRENCES_IN_RECOVERY = {
    Failpoint.KEEP_MOVEMENTS: 1,
    Failpoint.WAKE_MOVED: 1,
    Failpoint.CLAIM: 1,
    Failpoint.RECORD_OUTCOMES: 1,
}
# And in a sync after a day, once Stripe has refunded some of it.
OCCURRENCES_IN_SYNC = {
    Failpoint.KEEP_TRANSACTIONS: 1,
    Failpoint.ENTER_TRANSACTIONS: 1,
    Failpoint.ENTER_RETURNS: 1,
    Failpoint.OPEN_JOURNAL: 1,
}
# And where card money is pending, so that payouts wait for it: in the day, and in the sync after it.
OCCURRENCES_WHEN_PENDING = {Failpoint.FUND_PAYOUTS: 1}
OCCURRENCES_IN_SYNC_WHEN_PENDING = {Failpoint.PLAN_PAYOUTS: 1}
# And in a run of a day of which an operator has a charge and a payout given back, besides what every run has.
OCCURRENCES_IN_GIVING_BACK = {
    Failpoint.ORDER_RETURN: 2,
    Failpoint.PUBLISH: 1,
    Failpoint.MARK_PUBLISHED: 1,
    Failpoint.CLAIM: 2,
    Failpoint.REFUND: 1,
    Failpoint.REVERSE: 1,
    Failpoint.RECORD_OUTCOMES: 2,
    Failpoint.DELETE_MESSAGES: 2,
}
_WITHOUT_CONNECTION = {Failpoint.WRITE_FRAME}


@dataclass(frozen=True)
class Fault:
    """What goes wrong at the n-th occurrence of an effect."""

    effect: Failpoint
    how: str
    nth: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        effect, how, nth = text.split(":")
        return cls(Failpoint[effect], how, int(nth))

    def __str__(self) -> str:
        return f"{self.effect.name}:{self.how}:{self.nth}"

    @property
    def kills(self) -> bool:
        return self.how in KILLS

    @property
    def outlasts_its_key(self) -> bool:
        """Whether Stripe answers with the fault for as long as it knows the key."""
        return self.how.startswith("stored_500")

    def at_stripe(self) -> FaultRule | None:
        """The rule for the emulator, if the fault is its to make."""
        if self.effect not in _ENDPOINTS or self.how not in _AT_STRIPE:
            return None
        where = {"method": "POST", "path_prefix": _ENDPOINTS[self.effect], "nth": self.nth}
        return _AT_STRIPE[self.how].model_copy(update=where)


def faults_of(occurrences: Mapping[Failpoint, int]) -> list[Fault]:
    """Every fault at the first, and where there is one at a later occurrence of every effect."""
    return [fault for effect, count in occurrences.items() for fault in _faults_at(effect, count)]


def _faults_at(effect: Failpoint, count: int) -> Iterable[Fault]:
    for how in KILLS:
        yield Fault(effect, how)
        if count > 1:
            yield Fault(effect, how, count)
    if effect in _ENDPOINTS:
        yield from (Fault(effect, how, min(2, count)) for how in _AT_STRIPE)
    elif effect not in _WITHOUT_CONNECTION:
        yield Fault(effect, LOST)
    if effect in _OVER_HTTP:
        yield Fault(effect, FOREIGN)
