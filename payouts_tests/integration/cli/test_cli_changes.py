"""A slip in `league` as an operator meets it: `run`, `status`, `preview` and `accept` as processes."""

import json

import pytest

from payouts_tests.support.command_line import payouts
from payouts_tests.support.worlds import YESTERDAY, World, Worlds

SLIP = "update league.fee_structures set fee_minor = fee_minor * 10"
TAKEN_BACK = "update league.fee_structures set fee_minor = fee_minor / 10"


@pytest.fixture(scope="module")
def slipped(worlds: Worlds) -> World:
    """A day that was paid, and terms with a zero too many since."""
    world = worlds.make()
    assert payouts(world, "run", YESTERDAY).returncode == 0
    world.connect().execute(SLIP)
    return world


def charged(world: World) -> int:
    return sum(row.amount for row in world.emulator().journal() if row.kind == "charge")


def test_nothing_moves_and_everybody_is_told(slipped: World) -> None:
    before = charged(slipped)
    shown = payouts(slipped, "preview", YESTERDAY)
    assert "waits" in shown.stdout
    assert "fees would change" in shown.stdout
    run = payouts(slipped, "run", YESTERDAY, "--json")
    assert run.returncode == 0, run.stderr
    [day] = json.loads(run.stdout)["days"]
    [waits] = [check for check in day["checks"] if check["check"] == "no_change_waits"]
    assert (waits["passed"], waits["severity"]) == (False, "WARN")
    assert f"payouts accept {YESTERDAY}" in waits["description"]
    assert all(check["passed"] for check in day["checks"] if check["severity"] == "ERROR")
    assert day["changed"]["fee_components"] == 0
    assert "fees would change" in payouts(slipped, "status", YESTERDAY).stdout
    assert charged(slipped) == before


def test_a_person_accepts_it_and_it_is_booked(slipped: World) -> None:
    before = charged(slipped)
    payouts(slipped, "run", YESTERDAY)
    accepted = payouts(slipped, "accept", YESTERDAY, "--reason", "it is the new fee")
    assert accepted.returncode == 0, accepted.stderr
    assert f"payouts run {YESTERDAY}" in accepted.stdout
    assert payouts(slipped, "run", YESTERDAY).returncode == 0
    assert charged(slipped) > before
    shown = json.loads(payouts(slipped, "preview", YESTERDAY, "--json").stdout)
    assert (shown["proposal"], shown["fees"]) == (None, [])


def test_what_does_not_wait_can_not_be_accepted(slipped: World) -> None:
    slipped.connect().execute(TAKEN_BACK)
    nothing = payouts(slipped, "accept", "2026-01-01", "--reason", "why")
    assert nothing.returncode == 1
    assert "Nothing of 2026-01-01 waits to be accepted" in nothing.stderr
