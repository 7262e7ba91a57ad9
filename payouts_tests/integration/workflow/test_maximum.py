"""What is due above the largest amount of one call is asked for and paid by as many instructions as it takes."""

from datetime import date, timedelta

import pytest

from payouts_pipeline.domain.currencies import maximum_minor
from payouts_pipeline.ledger.database import Connection
from payouts_tests.support.leagues import League
from payouts_tests.support.ledger_steps import (
    account,
    book,
    fingerprint,
    instructions,
    materialise,
    rejected,
    release,
    settle,
    settled,
    violations,
)

DAY = date(2026, 3, 7)
NEXT = DAY + timedelta(days=1)
MOST = maximum_minor("EUR")


@pytest.fixture
def club(league: League) -> int:
    return league.club()


@pytest.fixture
def player(league: League, club: int) -> int:
    return league.player(club, method="pm_1")


@pytest.fixture(autouse=True)
def every_rule_holds_in_the_end(ledger: Connection) -> object:
    yield
    assert violations(ledger) == {}


@pytest.mark.parametrize(
    ("fees_minor", "charges_minor"),
    [
        ([MOST], [MOST]),
        ([MOST, 50], [MOST, 50]),
        ([60_000_000, 60_000_000], [60_000_000, 60_000_000]),
        ([60_000_000, 30_000_000, 60_000_000], [90_000_000, 60_000_000]),
        ([MOST, MOST, MOST, 70], [MOST, MOST, MOST, 70]),
    ],
)
def test_what_a_player_owes_is_charged_and_paid_out_in_portions(
    ledger: Connection,
    source: Connection,
    league: League,
    player: int,
    club: int,
    fees_minor: list[int],
    charges_minor: list[int],
) -> None:
    for fee_minor in fees_minor:
        league.fee(player, DAY, fee_minor)
    materialise(ledger, source, DAY)
    assert instructions(ledger, "player", player) == [("settled", amount) for amount in charges_minor]
    assert instructions(ledger, "club", club) == [("settled", amount) for amount in charges_minor]
    assert account(ledger, "club", club) == (sum(fees_minor), sum(fees_minor), 0, sum(fees_minor))
    before = fingerprint(ledger)
    materialise(ledger, source, DAY)
    assert fingerprint(ledger) == before


def test_a_portion_under_the_minimum_is_carried_over(
    ledger: Connection, source: Connection, league: League, player: int
) -> None:
    league.fee(player, DAY, MOST)
    league.fee(player, DAY, 30)
    materialise(ledger, source, DAY)
    assert instructions(ledger, "player", player) == [("settled", MOST)]
    league.fee(player, NEXT, 40)
    materialise(ledger, source, NEXT)
    assert instructions(ledger, "player", player) == [("settled", MOST), ("settled", 70)]


def test_only_the_fees_of_the_charge_that_settled_are_released(
    ledger: Connection, source: Connection, league: League, player: int, club: int
) -> None:
    league.fee(player, DAY, 60_000_000)
    league.fee(player, DAY, 70_000_000)
    book(ledger, source, DAY)
    settle(ledger, DAY, lambda attempt: rejected(attempt) if attempt.amount_minor == 70_000_000 else settled(attempt))
    release(ledger, source, DAY)
    assert instructions(ledger, "club", club) == [("pending", 60_000_000)]


def test_many_players_fees_are_paid_to_a_club_in_portions(
    ledger: Connection, source: Connection, league: League, club: int
) -> None:
    for _ in range(5):
        league.fee(league.player(club, method="pm"), DAY, 40_000_000)
    materialise(ledger, source, DAY)
    assert instructions(ledger, "club", club) == [("settled", 80_000_000)] * 2 + [("settled", 40_000_000)]


def test_what_days_have_left_together_is_paid_in_portions(
    ledger: Connection, source: Connection, league: League, club: int
) -> None:
    """The days are under the minimum that somebody has set; together they are too large for one payout."""
    minimums, days = {"EUR": 150_000_000}, [DAY, NEXT, NEXT + timedelta(days=1)]
    for day in days:
        league.fee(league.player(club, method="pm"), day, 70_000_000)
        book(ledger, source, day)
        settle(ledger)
        release(ledger, source, day, minimums)
    assert instructions(ledger, "club", club) == []
    release(ledger, source, days[-1], {"EUR": 50})
    assert instructions(ledger, "club", club) == [("pending", 70_000_000)] * 3


def test_a_credit_lowers_the_first_portion(ledger: Connection, source: Connection, league: League, player: int) -> None:
    paid = league.fee(player, DAY, 1_000)
    materialise(ledger, source, DAY)
    league.fee_becomes(paid, 400)
    league.fee(player, NEXT, 60_000_000)
    league.fee(player, NEXT, 70_000_000)
    book(ledger, source, DAY)
    materialise(ledger, source, NEXT)
    assert instructions(ledger, "player", player) == [
        ("settled", 1_000),
        ("settled", 60_000_000 - 600),
        ("settled", 70_000_000),
    ]
