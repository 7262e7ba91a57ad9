"""What is checked of the ledger and the league after a run: each where it holds, and where it does not."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from payouts_pipeline.defs.check_catalogue import (
    COLLECTED_FEES,
    MATCHES,
    SETTLED_PAYOUTS,
    ChargesOfDay,
    MatchesOfDay,
    PayoutsOfDay,
)
from payouts_pipeline.domain.findings import Finding
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league.reader import fees_of_day
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.checks import none_overdue, overdue_instructions
from payouts_tests.support.leagues import DAY, SYDNEY, League
from payouts_tests.support.ledger_steps import book, ids, materialise, rejected, release, settle, unknown


def booking(ledger: Connection, source: Connection, day: date = DAY) -> dict[str, Finding]:
    return COLLECTED_FEES.of(ChargesOfDay(day, ledger, split(fees_of_day(source, day, SYDNEY))))


def settlement(ledger: Connection, day: date = DAY) -> dict[str, Finding]:
    return SETTLED_PAYOUTS.of(PayoutsOfDay(day, ledger, overdue_instructions(ledger, [day]), [], {}))


def line_ups(source: Connection) -> Finding:
    return MATCHES.of(MatchesOfDay(DAY, SYDNEY, source, fees_of_day(source, DAY, SYDNEY)))["every_match_has_line_up"]


def named(finding: Finding) -> list[dict[str, Any]]:
    instructions = finding.figures["instructions"]
    assert isinstance(instructions, Sequence)
    return list(instructions)


@pytest.fixture
def player(league: League) -> int:
    return league.player(method="pm_1")


def test_a_day_that_is_settled_passes_every_check(
    ledger: Connection, source: Connection, league: League, player: int
) -> None:
    league.fee(player, DAY)
    materialise(ledger, source, DAY)
    found = booking(ledger, source) | settlement(ledger)
    assert {name for name, finding in found.items() if not finding.passed} == set()
    assert found["every_charge_settled"].figures["settled"] == 1


def test_a_day_without_matches_says_that_there_is_nothing(ledger: Connection, source: Connection) -> None:
    materialise(ledger, source, DAY)
    found = booking(ledger, source) | settlement(ledger)
    assert all(finding.passed for finding in found.values())
    assert found["every_charge_settled"].description == "There is nothing to settle on this day."


def test_what_is_booked_otherwise_than_it_was_split_is_named(
    ledger: Connection, source: Connection, league: League, player: int
) -> None:
    league.fee(player, DAY)
    book(ledger, source, DAY)
    later = league.fee(player, DAY, 500)
    finding = booking(ledger, source)["booked_equals_split"]
    assert not finding.passed
    assert finding.figures["booked_minor"] == {"player EUR": 1_000, "club EUR": 1_000}
    assert finding.figures["split_minor"] == {"player EUR": 1_500, "club EUR": 1_500}
    assert finding.figures["match_player_ids"] == [later]


def test_fees_are_held_against_those_of_the_weeks_before(
    ledger: Connection, source: Connection, league: League, player: int
) -> None:
    for week in range(1, 6):
        league.fee(player, DAY - timedelta(weeks=week), 1_000 + week)
        book(ledger, source, DAY - timedelta(weeks=week))
    league.fee(player, DAY - timedelta(days=1), 90_000)
    book(ledger, source, DAY - timedelta(days=1))
    line = league.fee(player, DAY, 1_100)
    book(ledger, source, DAY)
    assert booking(ledger, source)["fees_in_usual_band"].passed
    league.fee_becomes(line, 11_000)
    book(ledger, source, DAY)
    finding = booking(ledger, source)["fees_in_usual_band"]
    assert not finding.passed
    assert finding.figures["fees_minor"] == {"EUR": 11_000}
    assert finding.figures["compared_with"] == 5
    assert "the last 5 Saturdays with matches: 110.00 EUR of fees" in finding.description


def test_what_is_open_is_named_with_its_reason_and_amount(
    ledger: Connection, source: Connection, league: League, player: int
) -> None:
    league.fee(player, DAY)
    book(ledger, source, DAY)
    settle(ledger, DAY, rejected)
    finding = booking(ledger, source)["every_charge_settled"]
    assert not finding.passed
    assert finding.figures["open"] == 1
    assert finding.figures["open_minor"] == {"EUR": 1_000}
    [charge] = ids(ledger, DAY, "rejected")
    assert named(finding) == [
        {
            "id": str(charge),
            "billing_type": "player_charge",
            "status": "rejected",
            "reason": "the card was reported stolen: the player needs another card",
        }
    ]


def test_an_unknown_outcome_is_named(ledger: Connection, source: Connection, league: League, player: int) -> None:
    league.fee(player, DAY)
    book(ledger, source, DAY)
    assert settlement(ledger)["no_unknown_outcome"].passed
    settle(ledger, DAY, unknown)
    finding = settlement(ledger)["no_unknown_outcome"]
    assert (finding.passed, finding.figures["unknown"]) == (False, 1)
    [each] = named(finding)
    assert str(each["reason"]).startswith("Stripe did not answer; it is not known whether the money moved")


def test_what_is_open_for_long_is_named_on_its_day_and_later_ones(
    ledger: Connection, source: Connection, league: League
) -> None:
    league.fee(league.player(customer=None), DAY)
    materialise(ledger, source, DAY)
    days = [DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)]
    assert all(settlement(ledger, day)["nothing_over_age"].passed for day in days)
    with ledger.transaction():
        ledger.execute("set local session_replication_role = replica")
        ledger.execute("update payouts.instructions set created_at = created_at - interval '11 days'")
    overdue = overdue_instructions(ledger, days)
    found = {day: none_overdue(day, overdue) for day in days}
    assert [found[day].passed for day in days] == [True, False, False]
    [instruction] = named(found[DAY])
    assert (instruction["status"], instruction["reason"]) == ("held", "the player has no Stripe customer")
    assert instruction["age_days"] in (11, 12)


def test_names_end_after_ten_and_the_count_goes_on(ledger: Connection, source: Connection, league: League) -> None:
    for _ in range(12):
        league.fee(league.player(method="pm_1"), DAY)
    book(ledger, source, DAY)
    settle(ledger, DAY, unknown)
    release(ledger, source, DAY)
    finding = settlement(ledger)["no_unknown_outcome"]
    assert finding.figures["unknown"] == 12
    assert len(named(finding)) == 10


def test_a_played_match_without_line_up_is_named(source: Connection, league: League, player: int) -> None:
    competition = league.priced()
    league.plays(league.match(competition, DAY), player)
    league.match(competition, DAY, "postponed")
    league.match(competition, DAY + timedelta(days=1))
    assert line_ups(source).passed
    match = league.match(competition, DAY)
    finding = line_ups(source)
    assert not finding.passed
    assert finding.figures == {"matches_without_line_up": 1, "competition_ids": [competition], "match_ids": [match]}
