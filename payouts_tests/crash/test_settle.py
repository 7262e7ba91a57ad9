"""What is sent for an attempt, and what is only asked for: with a provider that says what the test wants."""

import time
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.refusals import Refusal
from payouts_pipeline.ledger.attempts import Attempt, Outcome
from payouts_pipeline.settlement.attempt_execution import execute
from payouts_pipeline.settlement.stripe_answers import Answer, Succeeded
from payouts_tests.support.ledger_steps import TRANSFER

_REPEATED = replace(TRANSFER, sends=1)
_EXPIRED = replace(_REPEATED, key_is_old=True, is_gone=True)


@dataclass
class Said:
    """A provider that knows of a movement or not, and remembers under which attempt it was asked to make one."""

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


def _settled(attempt: Attempt, said: Said, lease_s: float = 60) -> Outcome:
    return execute(attempt, cast("Any", said), cast("Any", said), time.time() + lease_s)


def test_a_new_attempt_is_sent() -> None:
    said = Said()
    assert _settled(TRANSFER, said).status == Status.SETTLED
    assert said.sent == [1]


def test_what_may_have_been_sent_is_asked_for_first() -> None:
    said = Said(Succeeded("tr_0"))
    assert _settled(_REPEATED, said).provider_reference == "tr_0"
    assert said.sent == []


def test_what_is_not_found_is_repeated_under_the_same_key_while_that_is_young() -> None:
    said = Said()
    _settled(_REPEATED, said)
    assert said.sent == [1]


def test_what_is_not_found_under_an_old_key_is_sent_under_a_new_one() -> None:
    said = Said()
    _settled(_EXPIRED, said)
    assert said.sent == [2]


def test_nothing_is_sent_under_an_old_key_while_an_earlier_call_may_still_arrive() -> None:
    said = Said()
    assert _settled(replace(_EXPIRED, is_gone=False), said).status == Status.UNKNOWN
    assert said.sent == []


def test_a_refused_question_is_no_answer() -> None:
    said = Said(Refusal("rate_limit"))
    assert _settled(_EXPIRED, said).status == Status.UNKNOWN
    assert said.sent == []


@pytest.mark.parametrize("attempt", [TRANSFER, _REPEATED, _EXPIRED], ids=["new", "repeated", "expired"])
def test_a_call_knows_how_long_its_lease_is(attempt: Attempt) -> None:
    said = Said()
    execute(attempt, cast("Any", said), cast("Any", said), 7.0)
    assert said.leases == [7.0]
