"""What people type, or a database holds, is text: it formats nothing, and gives a terminal no orders."""

from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner

from payouts_pipeline.cli import rendering
from payouts_pipeline.cli.main import payouts
from payouts_pipeline.defs.materialize import CheckResult, DayRun
from payouts_pipeline.reports.status import DayStatus, Line
from payouts_pipeline.workflow.pay_day import Changed

MARKUP = "see [/ticket] and [bold]4711[/bold] \\[x"
ORDERS = "\x1b[31mred\x07 \u202eesrever\u200b"
SHOWN = "�[31mred� �esrever�"


@pytest.mark.parametrize("reason", [MARKUP, "a back\\slash \\", "[red]", "[link=http://x]y"])
def test_markup_in_a_reason_is_shown_as_it_was_typed(capsys: pytest.CaptureFixture[str], reason: str) -> None:
    details = {"reason": reason}
    held: dict[str, Any] = {"billing_type": "club_payout", "currency": "EUR", "status": "held"}
    line = Line(**held, reason_code="on_hold", reason_details=details, count=1, amount_minor=1)
    rendering.day(DayStatus(date(2026, 1, 31), [line], []))
    rendering.line(reason)
    rendering.marked("ok", "green", reason)
    said = " ".join(capsys.readouterr().out.split())
    assert said.count(reason) == 3


def test_a_check_says_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    check = CheckResult("matches", "each_fee_once", passed=False, severity="WARN", description=MARKUP)
    rendering.outcome(DayRun(date(2026, 1, 31), [check], Changed(), None, 1.0))
    rendering.error(MARKUP)
    rendering.step(MARKUP)
    seen = capsys.readouterr()
    assert seen.out.count(MARKUP) == 1
    assert seen.err.count(MARKUP) == 2


def test_a_terminal_is_given_no_orders(capsys: pytest.CaptureFixture[str]) -> None:
    rendering.line(ORDERS)
    assert capsys.readouterr().out.strip() == SHOWN


@pytest.mark.parametrize("reason", ["two\nlines", "bell\x07", "\u202eesrever", "zero\u200bwidth", "two\u2028lines"])
def test_what_nobody_sees_is_no_reason(reason: str) -> None:
    result = CliRunner().invoke(payouts, ["hold", "club:1", "--reason", reason])
    assert result.exit_code == 2
    assert "has a character that nobody sees (U+" in result.output
