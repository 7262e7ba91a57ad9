"""What is sent for an attempt, and what is only asked for: with a Stripe that says what the test wants."""

import time
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.refusals import Refusal
from payouts_pipeline.ledger.attempts import Attempt
from payouts_pipeline.settlement.attempt_execution import execute
from payouts_pipeline.settlement.stripe_answers import Answer, Succeeded
from payouts_tests.support.ledger_steps import TRANSFER

_REPEATED = replace(TRANSFER, sends=1)
_EXPIRED = replace(_REPEATED, key_is_old=True, is_gone=True)


@dataclass
class Said:
    """A Stripe that knows of a movement or not, and remembers under which attempt it was asked to make one."""

    found: Answer | None = None
    sent: list[int] = field(default_factory=list)
    leases: list[float] = field(default_factory=list)

    def find(self, attempt: Attempt) -> Answer | None:
        return self.found

    def send(self, attempt: Attempt, leased_until: float) -> Answer:
        self.sent.append(attempt.number)
        self.leases.append(leased_until)
        return Succeeded("tr_1")

    def next_attempt(self, attempt: Attempt) -> Attempt:
        return replace(attempt, number=attempt.number + 1, sends=0)


@pytest.mark.parametrize(
    ("attempt", "found", "becomes", "sent"),
    [
        pytest.param(TRANSFER, None, "tr_1", [1], id="a new attempt is sent"),
        pytest.param(_REPEATED, Succeeded("tr_0"), "tr_0", [], id="what may have been sent is asked for first"),
        pytest.param(_REPEATED, None, "tr_1", [1], id="repeated under the same key while that is young"),
        pytest.param(_EXPIRED, None, "tr_1", [2], id="sent under a new key once the old one is forgotten"),
        pytest.param(replace(_EXPIRED, is_gone=False), None, None, [], id="not while an earlier call may arrive"),
        pytest.param(_EXPIRED, Refusal("rate_limit"), None, [], id="a refused question is no answer"),
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


@pytest.mark.parametrize("attempt", [TRANSFER, _REPEATED, _EXPIRED], ids=["new", "repeated", "expired"])
def test_a_call_knows_how_long_its_lease_is(attempt: Attempt) -> None:
    said = Said()
    execute(attempt, cast("Any", said), cast("Any", said), 7.0)
    assert said.leases == [7.0]
