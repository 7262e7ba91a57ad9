"""The command line on services of one's own: `migrate`, `deploy`, `run`, `status` and `worker` as processes."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest

from payouts_pipeline.ledger.database import open_connection
from payouts_pipeline.ledger.locks import ledger_name
from payouts_tests.support.command_line import payouts, start
from payouts_tests.support.ledger_steps import fingerprint
from payouts_tests.support.materialising import day_by_day, ledger_of
from payouts_tests.support.worlds import FIRST_DAY, YESTERDAY, World, Worlds

INSTRUCTION_KEYS = {"billing_type", "currency", "status", "reason", "count", "amount_minor"}
CHECK_KEYS = {"asset", "check", "passed", "severity", "description"}
CHANGED_KEYS = {"fee_components", "instructions", "messages", "provider_calls"}


@pytest.fixture(scope="module")
def settled(worlds: Worlds) -> tuple[World, dict[str, Any]]:
    """An installation that was paid out by `payouts run --json` over a range, and what that printed."""
    world = worlds.make()
    run = payouts(world, "run", FIRST_DAY, "--to", YESTERDAY, "--json")
    assert run.returncode == 0, run.stderr
    return world, json.loads(run.stdout)


def require_status_of_day(day: dict[str, Any]) -> None:
    """The JSON document that other programs read."""
    for line in day["instructions"]:
        assert set(line) == INSTRUCTION_KEYS
        assert type(line["count"]) is int
        assert type(line["amount_minor"]) is int
        assert line["reason"] or line["status"] == "settled"
    for line in day["held_out"]:
        assert set(line) == {"reason", "count"}
        assert type(line["count"]) is int


def test_run_prints_one_document_with_each_day(settled: tuple[World, dict[str, Any]]) -> None:
    _, document = settled
    assert set(document) == {"days"}
    assert [day["day"] for day in document["days"]] == [str(FIRST_DAY), str(YESTERDAY)]
    for day in document["days"]:
        assert set(day) == {"day", "instructions", "held_out", "checks", "changed"}
        require_status_of_day(day)
        assert all(set(check) == CHECK_KEYS for check in day["checks"])
        assert {check["severity"] for check in day["checks"] if not check["passed"]} == {"WARN"}
        assert set(day["changed"]) == CHANGED_KEYS
        assert all(type(count) is int and count > 0 for count in day["changed"].values())


def test_a_range_on_the_command_line_gives_the_ledger_of_day_by_day(
    worlds: Worlds, settled: tuple[World, dict[str, Any]]
) -> None:
    turn_by_turn = worlds.make()
    day_by_day(turn_by_turn, [FIRST_DAY, YESTERDAY])
    assert ledger_of(settled[0].connect()) == ledger_of(turn_by_turn.connect())


def test_status_says_what_run_said(settled: tuple[World, dict[str, Any]]) -> None:
    world, document = settled
    status = payouts(world, "status", "--json")
    assert status.returncode == 0, status.stderr
    shown = json.loads(status.stdout)["days"]
    assert all(set(day) == {"day", "instructions", "held_out"} for day in shown)
    assert shown == [{name: day[name] for name in ("day", "instructions", "held_out")} for day in document["days"]]


def test_status_of_a_day_can_be_read_by_people(settled: tuple[World, dict[str, Any]]) -> None:
    status = payouts(settled[0], "status", YESTERDAY)
    assert status.returncode == 0
    assert f"Payouts of {YESTERDAY}" in status.stdout
    assert "the club has no Stripe account" in status.stdout
    assert "the shares do not add up to 10,000 basis points" in status.stdout


def test_own_services_are_set_up_and_used_with_no_embedded_part(worlds: Worlds) -> None:
    world = worlds.make()
    with world.connect() as database:
        database.execute("drop schema payouts cascade")
    world.client("cloudformation").delete_stack(StackName=world.environment["PAYOUTS_STACK"])
    for command in (["migrate"], ["deploy"], ["run", YESTERDAY]):
        done = payouts(world, *command)
        assert done.returncode == 0, done.stderr
    assert "settled" in done.stdout
    assert "Fees = shares" in done.stdout
    # The folder of the embedded parts, had there been any.
    assert not (world.folder / ".payouts" / "postgres").exists()
    assert not (world.folder / ".payouts" / "supervisor.log").exists()


def test_a_second_run_of_a_day_waits_for_the_first(worlds: Worlds) -> None:
    world = worlds.make()
    with start(world, "run", YESTERDAY, "--json") as first, start(world, "run", YESTERDAY, "--json") as second:
        said = [json.loads(process.communicate(timeout=120)[0]) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0]
    instructions = [document["days"][0]["changed"]["instructions"] for document in said]
    made = world.connect().execute("select count(*) from payouts.instructions").fetchone()
    # Collecting and paying out may fall to different runs, but nothing is done by both.
    assert made is not None
    assert sum(instructions) == made[0]
    movements = world.emulator().journal()
    assert len(movements) == len({row.transfer_group for row in movements})


RUNS = """
    select r.status from runs as r join run_tags as t using (run_id)
    where t.key = 'payouts/ledger' and t.value = %s order by r.id
"""


def test_a_run_that_is_killed_ends_in_dagster_with_the_next(worlds: Worlds) -> None:
    world = worlds.make()
    name = ledger_name(world.connect())
    with open_connection(world.environment["DAGSTER_DATABASE_URL"]) as dagster:
        with start(world, "run", FIRST_DAY) as process:
            while not dagster.execute(RUNS, (name,)).fetchall():
                assert process.poll() is None
                time.sleep(0.05)
            process.kill()
        [(status,)] = dagster.execute(RUNS, (name,)).fetchall()
        assert status not in ("SUCCESS", "FAILURE")
        again = payouts(world, "run", FIRST_DAY)
        assert again.returncode == 0, again.stderr
        assert dagster.execute(RUNS, (name,)).fetchall() == [("FAILURE",), ("SUCCESS",)]


def test_a_separate_fleet_settles_what_a_run_without_workers_publishes(worlds: Worlds) -> None:
    world = worlds.make()
    without_workers = world.but(PAYOUTS_WORKERS="0", STRIPE_API_KEY=None, STRIPE_API_BASE=None)
    with start(without_workers, "run", YESTERDAY, "--json") as run, start(world, "worker") as fleet:
        out, err = run.communicate(timeout=120)
        drained = payouts(world, "worker", "--drain")
        fleet.terminate()
        fleet.communicate(timeout=60)
    assert run.returncode == 0, err
    [day] = json.loads(out)["days"]
    assert day["changed"]["provider_calls"] == 0
    statuses = {line["status"] for line in day["instructions"] if line["billing_type"] == "club_payout"}
    assert "settled" in statuses
    assert drained.returncode == 0, drained.stderr
    assert fleet.returncode == 0


def test_a_run_that_no_fleet_answers_ends_with_what_is_open_as_a_warning(worlds: Worlds) -> None:
    world = worlds.make()
    alone = world.but(PAYOUTS_WORKERS="0", PAYOUTS_FLEET_TIMEOUT_S="1", STRIPE_API_KEY=None, STRIPE_API_BASE=None)
    run = payouts(alone, "run", YESTERDAY, "--json")
    assert run.returncode == 0, run.stderr
    [day] = json.loads(run.stdout)["days"]
    assert {line["status"] for line in day["instructions"]} == {"published", "held", "open"}
    [check] = [check for check in day["checks"] if check["check"] == "every_charge_settled"]
    assert (check["passed"], check["severity"]) == (False, "WARN")
    assert world.emulator().journal() == []


def test_a_run_of_a_day_that_is_done_says_that_nothing_had_changed(settled: tuple[World, dict[str, Any]]) -> None:
    world, _ = settled
    before = fingerprint(world.connect())
    again = payouts(world, "run", YESTERDAY)
    assert again.returncode == 0
    assert f"{YESTERDAY}: nothing had changed, so nothing was booked, sent or asked" in again.stdout
    assert fingerprint(world.connect()) == before


def test_a_range_that_ends_before_it_begins_is_refused(settled: tuple[World, dict[str, Any]]) -> None:
    refused = payouts(settled[0], "run", YESTERDAY, "--to", YESTERDAY - timedelta(days=1))
    assert refused.returncode == 1
    assert "turn it around" in refused.stderr
