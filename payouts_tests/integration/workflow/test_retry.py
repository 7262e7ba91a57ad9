"""`payouts retry`: all that Stripe refused with one code goes on, each with an event, and nothing else does."""

from datetime import date, timedelta

import pytest

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.attempts import Attempt, Outcome
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.workflow.resume import Retried, retry
from payouts_tests.support.leagues import League
from payouts_tests.support.ledger_steps import (
    ACTOR,
    book,
    fingerprint,
    instructions,
    rejected,
    settle,
    settled,
    unknown,
    violations,
)
from payouts_tests.support.reasons import sentences

DAY = date(2026, 3, 7)
NEXT = DAY + timedelta(days=1)
WHY = "the account was put right"


def refused(attempt: Attempt) -> Outcome:
    return Outcome(attempt.instruction_id, attempt.number, Status.REJECTED, reason_code="resource_missing")


def waits(attempt: Attempt) -> Outcome:
    return Outcome(
        attempt.instruction_id, attempt.number, Status.WAITING, reason_code="resource_missing", retry_after_s=3600
    )


def charge(league: League, day: date = DAY) -> int:
    player = league.player(method="pm_1")
    league.fee(player, day)
    return player


@pytest.mark.parametrize("decide", [refused, waits])
def test_what_was_refused_with_the_code_is_pending_again_and_then_settles(
    ledger: Connection, source: Connection, league: League, decide: object
) -> None:
    player, of_next = charge(league), charge(league, NEXT)
    for day in (DAY, NEXT):
        book(ledger, source, day)
    settle(ledger, None, decide)  # type: ignore[arg-type]
    assert retry(ledger, source, "resource_missing", None, ACTOR, WHY) == Retried({DAY: 1, NEXT: 1}, 0)
    assert sentences(ledger) == [f"is tried again: {WHY}"] * 2
    events = ledger.execute("select actor, reason_details->>'reason' from payouts.events where reason_code = 'retried'")
    assert events.fetchall() == [(ACTOR, WHY)] * 2
    settle(ledger)
    assert [instructions(ledger, "player", each) for each in (player, of_next)] == [[("settled", 1_000)]] * 2
    attempts = ledger.execute("select number, outcome from payouts.attempts order by number, instruction_id").fetchall()
    assert attempts == [(1, "refused")] * 2 + [(2, "settled")] * 2
    assert violations(ledger) == {}


def test_a_day_alone_is_retried(ledger: Connection, source: Connection, league: League) -> None:
    charge(league), charge(league, NEXT)
    for day in (DAY, NEXT):
        book(ledger, source, day)
    settle(ledger, None, refused)
    assert retry(ledger, source, "resource_missing", NEXT, ACTOR, WHY) == Retried({NEXT: 1}, 0)


@pytest.mark.parametrize("decide", [rejected, unknown, settled])
def test_nothing_else_is_touched(ledger: Connection, source: Connection, league: League, decide: object) -> None:
    charge(league)
    book(ledger, source, DAY)
    settle(ledger, None, decide)  # type: ignore[arg-type]
    before = fingerprint(ledger)
    with pytest.raises(PayoutsError, match="No instruction is refused with code 'resource_missing'"):
        retry(ledger, source, "resource_missing", None, ACTOR, WHY)
    assert fingerprint(ledger) == before


def test_who_is_on_hold_stays_so(ledger: Connection, source: Connection, league: League) -> None:
    free, on_hold = charge(league), charge(league)
    book(ledger, source, DAY)
    settle(ledger, None, refused)
    ledger.execute(
        "insert into payouts.holds (subject, subject_id, is_hold, actor, reason) values ('player', %s, true, 'a', 'b')",
        (on_hold,),
    )
    assert retry(ledger, source, "resource_missing", None, ACTOR, WHY) == Retried({DAY: 1}, 1)
    assert instructions(ledger, "player", free) == [("pending", 1_000)]
    assert instructions(ledger, "player", on_hold) == [("held", 1_000)]


def test_the_codes_that_there_are_are_named(ledger: Connection, source: Connection, league: League) -> None:
    charge(league)
    book(ledger, source, DAY)
    settle(ledger, None, rejected)
    with pytest.raises(PayoutsError, match="the codes there are: stolen_card"):
        retry(ledger, source, "stolen", None, ACTOR, WHY)
