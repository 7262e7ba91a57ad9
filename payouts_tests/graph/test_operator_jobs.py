"""What an operator does in the UI: the jobs beside the commands, as production defines them."""

from pathlib import Path
from typing import Any

import pytest
from dagster._core.errors import DagsterInvalidConfigError

from payouts_pipeline.domain.change_limits import ChangeLimit
from payouts_pipeline.domain.limits import Limits
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import payee_accounts, proposals
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.workflow import phases
from payouts_tests.support.leagues import DAY, SYDNEY, League
from payouts_tests.support.ledger_steps import book, fingerprint, ids, materialise, rejected, settle
from payouts_tests.support.pressing import ADA, press


@pytest.fixture(autouse=True)
def storage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PAYOUTS_STORAGE", str(tmp_path))


@pytest.fixture
def club(league: League) -> int:
    return league.club()


def history(ledger: Connection) -> list[tuple[Any, ...]]:
    return ledger.execute("select actor, reason from payouts.holds order by id").fetchall()


def test_a_payee_is_held_and_let_go_by_a_person_with_a_name(ledger: Connection, club: int, database_url: str) -> None:
    assert f"club:{club} is on hold" in press(database_url, "hold_payee", payee=f"club:{club}", **ADA)
    before = fingerprint(ledger)
    assert "Nothing was changed" in press(database_url, "unhold_payee", payee=f"club:{club}", **ADA)
    assert fingerprint(ledger) == before
    assert "no longer on hold" in press(database_url, "unhold_payee", payee=f"club:{club}", is_confirmed=True, **ADA)
    assert history(ledger) == [("ui ada", "see [/ticket]")] * 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"payee": "club:-1"}, "is not a valid payee"),
        ({"person": " "}, "person is empty"),
        ({"reason": "two\nlines"}, "a character that nobody sees"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_done(
    ledger: Connection, club: int, database_url: str, wrong: dict[str, str], said: str
) -> None:
    before = fingerprint(ledger)
    with pytest.raises(AssertionError, match=said):
        press(database_url, "hold_payee", **{"payee": f"club:{club}", **ADA, **wrong})
    assert fingerprint(ledger) == before


def test_no_form_takes_the_name_of_a_variable_which_would_show_it(
    ledger: Connection, club: int, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "never-to-be-seen")
    before = fingerprint(ledger)
    with pytest.raises(DagsterInvalidConfigError, match="reason"):
        press(database_url, "hold_payee", payee=f"club:{club}", person="ada", reason={"env": "A_SECRET"})
    assert fingerprint(ledger) == before


def test_an_instruction_is_cancelled_only_when_that_is_confirmed(
    ledger: Connection, source: Connection, league: League, database_url: str
) -> None:
    league.fee(league.player(), DAY)
    book(ledger, source, DAY)
    [made] = ids(ledger)
    before = fingerprint(ledger)
    assert "Nothing was changed" in press(database_url, "cancel_instruction", instruction=str(made), **ADA)
    assert fingerprint(ledger) == before
    press(database_url, "cancel_instruction", instruction=str(made), is_confirmed=True, **ADA)
    assert ids(ledger, DAY, "cancelled") == [made]


def test_an_account_is_confirmed_only_when_that_is_confirmed(
    ledger: Connection, source: Connection, league: League, club: int, database_url: str
) -> None:
    league.fee(league.player(club), DAY)
    league.fee(league.player(league.club(f"acct_{club}")), DAY)
    materialise(ledger, source, DAY)
    [waits] = payee_accounts.to_confirm(ledger)
    before = fingerprint(ledger)
    shown = press(database_url, "confirm_account", payee=str(waits.payee), **ADA)
    assert f"is also that of club:{club}" in shown
    assert "Nothing was changed" in shown
    assert fingerprint(ledger) == before
    assert "is confirmed" in press(database_url, "confirm_account", payee=str(waits.payee), is_confirmed=True, **ADA)
    materialise(ledger, source, DAY)
    assert ids(ledger, DAY, "held") == []
    with pytest.raises(AssertionError, match="Nothing speaks against"):
        press(database_url, "confirm_account", payee=str(waits.payee), **ADA)


def test_a_day_above_its_limit_is_approved_only_when_that_is_confirmed(
    ledger: Connection, source: Connection, league: League, database_url: str
) -> None:
    for _ in range(2):
        league.fee(league.player(), DAY)
    book(ledger, source, DAY)
    settle(ledger)
    phases.open_payouts(ledger, source, DAY, {}, "test", Limits(day_above_minor={"EUR": 1_500}))
    before = fingerprint(ledger)
    assert f"2 payouts of {DAY} wait for it" in press(database_url, "approve_day", day=str(DAY), **ADA)
    assert fingerprint(ledger) == before
    assert "2 of 20.00 EUR" in press(database_url, "approve_day", day=str(DAY), is_confirmed=True, **ADA)
    with pytest.raises(AssertionError, match="waits for an approval of the day"):
        press(database_url, "approve_day", day=str(DAY), is_confirmed=True, **ADA)


def test_what_was_refused_is_brought_back(
    ledger: Connection, source: Connection, league: League, database_url: str
) -> None:
    league.fee(league.player(), DAY)
    book(ledger, source, DAY)
    settle(ledger, DAY, rejected)
    before = fingerprint(ledger)
    shown = press(database_url, "retry_refused", code="stolen_card", **ADA)
    assert "Would be sent again: 1 player_charge, 10.00 EUR" in shown
    assert "Nothing was changed" in shown
    assert fingerprint(ledger) == before
    done = press(database_url, "retry_refused", code="stolen_card", is_confirmed=True, **ADA)
    assert f"Brought back: 1 of {DAY}" in done
    assert len(ids(ledger, DAY, "pending")) == 1


def test_letting_a_payee_go_says_first_what_would_be_paid(
    ledger: Connection, source: Connection, league: League, club: int, database_url: str
) -> None:
    league.fee(league.player(club), DAY)
    materialise(ledger, source, DAY)
    press(database_url, "hold_payee", payee=f"club:{club}", **ADA)
    league.fee(league.player(club), DAY)
    materialise(ledger, source, DAY)
    before = fingerprint(ledger)
    shown = press(database_url, "unhold_payee", payee=f"club:{club}", **ADA)
    assert "1 club_payout of 10.00 EUR" in shown
    assert fingerprint(ledger) == before


def test_where_the_money_is_reads_as_a_list_that_no_text_of_a_person_can_make_a_link_of(
    ledger: Connection, source: Connection, league: League, club: int, database_url: str
) -> None:
    league.fee(league.player(club), DAY)
    materialise(ledger, source, DAY)
    reason = "[here](https://example.org)"
    press(database_url, "hold_payee", payee=f"club:{club}", person="ada", reason=reason)
    shown = press(database_url, "explain_money", subject=f"club:{club}", day=str(DAY))
    assert f"**club:{club} on {DAY}**" in shown
    assert "\n- shares  10.00 EUR = 10.00 EUR paid\n" in shown
    assert f"**account of club:{club} in EUR**\n\n- booked 10.00 EUR = settled 10.00 EUR" in shown
    assert "\\[here\\](https" in shown
    with pytest.raises(AssertionError, match="can't be explained: give one like match:7"):
        press(database_url, "explain_money", subject="club")


def test_a_change_is_looked_at_and_accepted(
    ledger: Connection, source: Connection, league: League, database_url: str
) -> None:
    line = league.fee(league.player(), DAY)
    book(ledger, source, DAY)
    league.fee_becomes(line, 100_000)
    splits = split(reader.fees_of_day(source, DAY, SYDNEY))
    phases.open_charges(ledger, source, DAY, splits, "test", change_limit=ChangeLimit(0.2))
    assert "A change waits: 1 fees would change" in press(database_url, "preview_day", day=str(DAY))
    assert "Nothing was changed" in press(database_url, "accept_change", day=str(DAY), **ADA)
    assert "Accepted" in press(database_url, "accept_change", day=str(DAY), is_confirmed=True, **ADA)
    waits = proposals.find(ledger, DAY)
    assert waits is not None
    assert waits.is_accepted
