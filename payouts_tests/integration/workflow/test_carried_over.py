"""What Stripe refuses as too small, in a currency whose minimum we do not know, goes out once there is more."""

from datetime import date, timedelta

import pytest

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.refusals import TOO_SMALL
from payouts_pipeline.ledger.attempts import Attempt, Outcome
from payouts_pipeline.ledger.database import Connection
from payouts_tests.support.leagues import League
from payouts_tests.support.ledger_steps import (
    account,
    fingerprint,
    instructions,
    materialise,
    settled,
    violations,
)

DAY = date(2026, 3, 7)
NEXT, LAST = DAY + timedelta(days=1), DAY + timedelta(days=2)
STRIPES_MINIMUM_MINOR = 400


def stripe(attempt: Attempt) -> Outcome:
    """Stripe with a minimum that we do not know of."""
    if attempt.amount_minor >= STRIPES_MINIMUM_MINOR:
        return settled(attempt)
    return Outcome(attempt.instruction_id, attempt.number, Status.REJECTED, reason_code=TOO_SMALL)


@pytest.fixture
def player(league: League) -> int:
    return league.player(method="pm_1")


def test_a_charge_that_is_too_small_is_carried_over_to_the_next(
    ledger: Connection, source: Connection, league: League, player: int
) -> None:
    for day in (DAY, NEXT, LAST):
        league.fee(player, day, 150, "ZAR")
    materialise(ledger, source, DAY, stripe)
    assert instructions(ledger, "player", player) == [("rejected", 150)]
    materialise(ledger, source, DAY, stripe)
    assert instructions(ledger, "player", player) == [("cancelled", 150)]
    assert account(ledger, "player", player, "ZAR") == (150, 0, 0, 0)
    # The same amount is not asked for again.
    before = fingerprint(ledger)
    materialise(ledger, source, DAY, stripe)
    assert fingerprint(ledger) == before
    materialise(ledger, source, NEXT, stripe)
    materialise(ledger, source, LAST, stripe)
    assert instructions(ledger, "player", player) == [("cancelled", 150), ("cancelled", 300), ("settled", 450)]
    assert violations(ledger) == {}


def test_a_payout_that_is_too_small_is_carried_over_to_the_next(
    ledger: Connection, source: Connection, league: League
) -> None:
    club = league.club()
    shares = [("club", None, 0, 4_000), ("platform", None, 0, 6_000)]
    for day in (DAY, NEXT):
        league.fee(league.player(club, method="pm"), day, 600, "ZAR", shares=shares)
    materialise(ledger, source, DAY, stripe)
    assert instructions(ledger, "club", club) == [("rejected", 240)]
    materialise(ledger, source, DAY, stripe)
    assert instructions(ledger, "club", club) == [("cancelled", 240)]
    before = fingerprint(ledger)
    materialise(ledger, source, DAY, stripe)
    assert fingerprint(ledger) == before
    materialise(ledger, source, NEXT, stripe)
    assert instructions(ledger, "club", club) == [("cancelled", 240), ("settled", 480)]
    assert account(ledger, "club", club, "ZAR") == (480, 480, 0, 480)
    assert violations(ledger) == {}


def test_as_little_is_not_asked_for_again_once_the_rest_is_paid(
    ledger: Connection, source: Connection, league: League, player: int
) -> None:
    for day, fee_minor in ((DAY, 150), (NEXT, 300), (LAST, 140)):
        league.fee(player, day, fee_minor, "ZAR")
    materialise(ledger, source, DAY, stripe)
    materialise(ledger, source, NEXT, stripe)
    assert instructions(ledger, "player", player)[1:] == [("settled", 450)]
    materialise(ledger, source, LAST, stripe)
    assert instructions(ledger, "player", player)[2:] == [], "Stripe has said that 150 are too small"
    assert account(ledger, "player", player, "ZAR") == (590, 450, 0, 450)
    assert violations(ledger) == {}
