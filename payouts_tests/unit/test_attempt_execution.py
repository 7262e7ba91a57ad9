"""What is sent for an attempt, and what is only asked for: with a Stripe that says what the test wants."""

import time
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.reasons import ReasonCode
from payouts_pipeline.domain.refusals import Refusal
from payouts_pipeline.ledger.attempts import Attempt, Outcome
from payouts_pipeline.settlement.attempt_execution import execute
from payouts_pipeline.settlement.stripe_answers import Answer, Found, Indeterminate, Succeeded
from payouts_tests.support.ledger_steps import TRANSFER

_REPEATED = replace(TRANSFER, sends=1)
_SECOND = replace(TRANSFER, number=2)
_EXPIRED = replace(_REPEATED, key_is_old=True, is_gone=True)


@dataclass
class Said:
    """A Stripe that knows of a movement or not, and remembers under which attempt it was asked to make one."""

    found: Answer | None = None
    payable: tuple[str, ...] = ()
    cancelled: list[str] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    leases: list[float] = field(default_factory=list)

    def find(self, attempt: Attempt) -> Found:
        return Found(self.found, self.payable)

    def cancel(self, payable: tuple[str, ...], leased_until: float) -> None:
        self.cancelled += payable

    def send(self, attempt: Attempt, leased_until: float) -> Answer:
        self.sent.append(attempt.number)
        self.leases.append(leased_until)
        return Succeeded("tr_1")


@pytest.mark.parametrize(
    ("attempt", "found", "becomes", "sent"),
    [
        pytest.param(TRANSFER, None, "tr_1", [1], id="a new attempt is sent"),
        pytest.param(_REPEATED, Succeeded("tr_0"), "tr_0", [], id="what may have been sent is asked for first"),
        pytest.param(_REPEATED, None, "tr_1", [1], id="repeated under the same key while that is young"),
        pytest.param(_SECOND, Succeeded("tr_0"), "tr_0", [], id="before another attempt the earlier are asked about"),
        pytest.param(_SECOND, None, "tr_1", [2], id="another attempt is sent"),
        pytest.param(replace(_EXPIRED, is_gone=False), None, None, [], id="not while an earlier call may arrive"),
        pytest.param(_EXPIRED, Indeterminate(ReasonCode.NOT_TO_BE_ASKED, {"code": "x"}), None, [], id="not known"),
    ],
)
def test_what_becomes_of_an_attempt(
    attempt: Attempt, found: Answer | None, becomes: str | None, sent: list[int]
) -> None:
    said = Said(found)
    outcome = execute(attempt, cast("Any", said), cast("Any", said), time.time() + 60)
    assert outcome.status == (Status.SETTLED if becomes else Status.UNKNOWN)
    assert outcome.provider_reference == becomes
    assert said.sent == sent


def _executed(attempt: Attempt, said: Said) -> Outcome:
    return execute(attempt, cast("Any", said), cast("Any", said), time.time() + 60)


def test_what_is_not_found_under_an_old_key_is_given_back_as_absent() -> None:
    said = Said()
    outcome = _executed(_EXPIRED, said)
    assert (outcome.status, outcome.is_absent, outcome.retry_after_s) == (Status.WAITING, True, 0)
    assert said.sent == []


def test_what_could_still_be_paid_is_cancelled_before_another_attempt() -> None:
    said = Said(payable=("pi_1",))
    assert _executed(_SECOND, said).status == Status.SETTLED
    assert (said.cancelled, said.sent) == (["pi_1"], [2])


def test_what_is_found_to_be_refused_is_no_call_of_now() -> None:
    said = Said(Refusal("insufficient_funds", was_found=True))
    outcome = _executed(_EXPIRED, said)
    assert (outcome.status, outcome.sends, said.sent) == (Status.WAITING, None, [])


@pytest.mark.parametrize("attempt", [TRANSFER, _REPEATED], ids=["new", "repeated"])
def test_a_call_knows_how_long_its_lease_is(attempt: Attempt) -> None:
    said = Said()
    execute(attempt, cast("Any", said), cast("Any", said), 7.0)
    assert said.leases == [7.0]
