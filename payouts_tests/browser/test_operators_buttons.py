"""What an operator does in the real UI without a shell: opens a job's form, fills it, launches it, reads its result."""

import pytest

from payouts_tests.browser.ui import Operator
from payouts_tests.support.worlds import World

pytestmark = pytest.mark.timeout(600)

REASON = "the bank asked for it"


def a_club(installation: World) -> int:
    ((club,),) = installation.connect().execute("select min(id) from league.clubs").fetchall()
    return int(club)


def holds(installation: World) -> list[tuple[str, str, bool]]:
    return installation.connect().execute("select actor, reason, is_hold from payouts.holds order by id").fetchall()


def test_a_payee_is_held_looked_at_and_let_go_from_the_forms(operator: Operator, installation: World) -> None:
    payee = f"club:{a_club(installation)}"
    step = {"payee": payee, "person": "ada", "reason": REASON}
    operator.presses("hold_payee", step)
    operator.reads_result(f"{payee} is on hold: 0 instructions held back")
    operator.keeps("held_payee")
    operator.presses("unhold_payee", step)
    operator.reads_result("Nothing was changed: run it again with is_confirmed to do it.")
    assert holds(installation) == [("ui ada", REASON, True)]
    operator.presses("unhold_payee", {**step, "is_confirmed": True})
    operator.reads_result(f"{payee} is no longer on hold")
    assert holds(installation) == [("ui ada", REASON, True), ("ui ada", REASON, False)]


def test_the_form_says_what_it_takes_and_refuses_what_it_does_not(operator: Operator) -> None:
    operator.fills("refund", {"subject": "match:7", "person": "ada", "sum": "1"})
    operator.waits_for("Received unexpected config entry")
    operator.keeps("wrong_form")
