"""A player's credit and a payee's debt are seen, with their age, until something works them off."""

import json

import pytest
from click.testing import CliRunner

from payouts_pipeline.cli.main import payouts
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.old_balances import OLD_AFTER_D, none_old, sentences, standing
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import materialise


@pytest.fixture
def line(ledger: Connection, source: Connection, league: League) -> int:
    """A fee of 10.00 EUR that was charged and paid to the club, and is 4.00 EUR by now."""
    player = league.player(league.club())
    line = league.fee(player, DAY)
    materialise(ledger, source, DAY)
    assert standing(ledger) == []
    league.fee_becomes(line, 400)
    materialise(ledger, source, DAY)
    return line


def grows_old(ledger: Connection, days: int) -> None:
    ledger.execute("alter table payouts.bookings disable trigger user")
    ledger.execute("update payouts.bookings set booked_at = booked_at - make_interval(days => %s)", (days,))
    ledger.execute("alter table payouts.bookings enable trigger user")


def test_a_credit_and_a_debt_stand_with_their_age(ledger: Connection, line: int) -> None:
    credit, debt = sorted(standing(ledger), key=lambda each: not each.is_credit)
    assert (credit.amount_minor, debt.amount_minor) == (600, 600)
    assert (credit.is_credit, debt.is_credit) == (True, False)
    assert none_old([credit, debt]).passed
    grows_old(ledger, OLD_AFTER_D + 1)
    found = none_old(standing(ledger))
    assert (found.passed, found.figures["old"]) == (False, 2)
    assert "6.00 EUR of credit on 1 players (the oldest, player:" in found.description
    assert "6.00 EUR owed back by 1 payees (the oldest, club:" in found.description
    assert f"nothing booked for {OLD_AFTER_D + 1} days" in found.description
    assert len(sentences(standing(ledger))) == 2


def test_what_is_worked_off_stands_no_more(ledger: Connection, source: Connection, league: League, line: int) -> None:
    grows_old(ledger, OLD_AFTER_D + 1)
    league.fee_becomes(line, 2_000)
    materialise(ledger, source, DAY)
    materialise(ledger, source, DAY)
    assert standing(ledger) == []
    assert none_old([]).passed


def test_status_says_so(ledger: Connection, database_url: str, line: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", database_url)
    shown = CliRunner().invoke(payouts, ["status"])
    assert "6.00 EUR of credit on 1 players" in shown.output, shown.output
    found = json.loads(CliRunner().invoke(payouts, ["status", "--json"]).stdout)["left_standing"]
    assert [each["amount_minor"] for each in found] == [600, 600]
    assert {each["last_booked"] for each in found} == {str(DAY)}
