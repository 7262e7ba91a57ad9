"""`payouts worker` as operators run it: a process that settles, is told to stop, and loses nothing."""

import json
import signal
import subprocess
import time
from collections.abc import Callable

import pytest
from psycopg.conninfo import make_conninfo

from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.local.stripe_emulator.models import FaultKind, FaultRule
from payouts_tests.support.command_line import TIMEOUT_S, payouts, start
from payouts_tests.support.fleets import drain, publish_charges, require_each_once, statuses
from payouts_tests.support.ledger_steps import pass_time, violations
from payouts_tests.support.versions import TOMORROW, migrated_further
from payouts_tests.support.worlds import World

CALL_S = 2.5


@pytest.fixture
def ledger(world: World) -> Connection:
    return world.connect()


def eventually(holds: Callable[[], object], what: str, within_s: float = 30) -> None:
    ends_at_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends_at_s, what
        time.sleep(0.05)


def slow_worker(world: World, ledger: Connection, *arguments: object) -> "subprocess.Popen[str]":
    """A worker in the middle of calls that take long."""
    slow = FaultRule(kind=FaultKind.SLOW, method="POST", path_prefix="/v1/payment_intents", delay_s=CALL_S)
    world.emulator().add_faults(slow)
    process = start(world, "worker", "--concurrency", 10, *arguments)
    eventually(lambda: statuses(ledger).get("sending"), "the worker takes something up")
    eventually(lambda: world.emulator().faults()[0].hits, "its calls are at Stripe")
    return process


def finish(world: World, ledger: Connection) -> None:
    """Let another worker do the rest, and see that everybody was charged once."""
    world.emulator().clear_faults()
    while {"published", "sending", "unknown"} & statuses(ledger).keys():
        # A worker is taken for dead once its lease has run out; the sensor or any run publishes again then.
        pass_time(ledger, 0.5)
        publish_charges(world, ledger)
        drain(world)
    assert set(statuses(ledger)) <= {"settled", "held", "waiting", "rejected"}
    require_each_once(world, ledger)
    assert not any(violations(ledger).values())


def lines(stderr: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in stderr.splitlines() if line.startswith("{")]


def test_a_worker_drains_the_queues_and_says_a_line_for_each_outcome(world: World, ledger: Connection) -> None:
    published = publish_charges(world, ledger)
    done = payouts(world, "worker", "--drain", "--billing-type", "player_charge")
    assert done.returncode == 0, done.stderr
    first, *between, last = lines(done.stderr)
    assert (first["event"], last["event"]) == ("started", "ended")
    outcomes = [line for line in between if line["event"] == "outcome"]
    assert len(outcomes) == published > 0
    settled = [line for line in outcomes if line["status"] == "settled"]
    assert len(settled) == statuses(ledger)["settled"]
    assert {"instruction_id", "billing_type", "day", "attempt", "level", "timestamp"} <= settled[0].keys()
    assert not any(name in done.stderr for name in ("cus_", "pm_", "acct_"))
    require_each_once(world, ledger)


def test_a_worker_that_is_told_to_stop_finishes_what_it_has_in_hand(world: World, ledger: Connection) -> None:
    publish_charges(world, ledger)
    with slow_worker(world, ledger) as worker:
        worker.send_signal(signal.SIGTERM)
        _, said = worker.communicate(timeout=TIMEOUT_S)
    assert worker.returncode == 0, said
    assert "sending" not in statuses(ledger)
    assert statuses(ledger)["settled"] > 0
    finish(world, ledger)


def test_what_is_not_finished_within_the_grace_time_is_given_back(world: World, ledger: Connection) -> None:
    publish_charges(world, ledger)
    with slow_worker(world, ledger, "--grace-s", 0.2) as worker:
        worker.send_signal(signal.SIGTERM)
        _, said = worker.communicate(timeout=CALL_S - 0.5)
    assert worker.returncode == 0, said
    assert any("given back" in str(line["event"]) for line in lines(said))
    assert statuses(ledger)["sending"] > 0
    finish(world, ledger)


def test_a_second_signal_ends_it_at_once_and_nothing_is_lost(world: World, ledger: Connection) -> None:
    publish_charges(world, ledger)
    with slow_worker(world, ledger) as worker:
        worker.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        worker.send_signal(signal.SIGTERM)
        _, said = worker.communicate(timeout=CALL_S - 0.5)
    assert worker.returncode == 128 + signal.SIGTERM, said
    assert statuses(ledger)["sending"] > 0
    finish(world, ledger)


def test_a_worker_needs_nothing_but_the_ledger_and_the_queues(world: World, ledger: Connection) -> None:
    publish_charges(world, ledger)
    role = f"worker_{world.folder.name}"
    for statement in (
        f"create role {role} login password 'of-a-worker'",
        f"grant usage on schema payouts to {role}",
        f"grant select, insert, update on all tables in schema payouts to {role}",
        f"grant usage on all sequences in schema payouts to {role}",
    ):
        ledger.execute(statement)
    url = make_conninfo(world.environment["PAYOUTS_DATABASE_URL"], user=role, password="of-a-worker")
    [may_read_league] = ledger.execute("select has_schema_privilege(%s, 'league', 'usage')", (role,)).fetchall()[0]
    done = payouts(world.but(PAYOUTS_DATABASE_URL=url), "worker", "--drain")
    assert done.returncode == 0, done.stderr
    assert not may_read_league
    assert statuses(ledger)["settled"] > 0
    assert "published" not in statuses(ledger)


def test_a_worker_without_anything_to_do_it_with_says_so(world: World) -> None:
    refused = payouts(world.but(PAYOUTS_WORKERS="0"), "worker", "--drain")
    assert refused.returncode == 1
    assert "--concurrency" in refused.stderr


@pytest.mark.parametrize("workers_go_on", [True, False])
def test_a_worker_of_the_version_before_does_as_the_migration_says(
    world: World, ledger: Connection, workers_go_on: bool
) -> None:
    publish_charges(world, ledger)
    migrated_further(ledger, workers_go_on=workers_go_on)
    done = payouts(world, "worker", "--drain")
    assert done.returncode == (0 if workers_go_on else 1), done.stderr
    assert (f"has {TOMORROW}, which this version does not know: install" in done.stderr) != workers_go_on
    assert bool(statuses(ledger).get("settled")) == workers_go_on
    require_each_once(world, ledger)


def test_a_worker_ahead_of_its_ledger_says_what_comes_first(world: World, ledger: Connection) -> None:
    publish_charges(world, ledger)
    ledger.execute("delete from payouts.migrations")
    done = payouts(world, "worker", "--drain")
    assert done.returncode == 1
    assert "run 'payouts migrate' first" in done.stderr
    assert not world.emulator().journal()


def test_a_worker_in_whose_time_the_ledger_is_upgraded_ends_what_it_has_in_hand(
    world: World, ledger: Connection
) -> None:
    publish_charges(world, ledger)
    with slow_worker(world, ledger) as worker:
        migrated_further(ledger)
        _, said = worker.communicate(timeout=TIMEOUT_S)
    assert worker.returncode == 1
    assert f"has {TOMORROW}, which this version does not know" in said
    assert statuses(ledger)["settled"] > 0
    assert statuses(ledger)["published"] > 0
    assert "sending" not in statuses(ledger)
    ledger.execute("delete from payouts.migrations where name = %s", (TOMORROW,))
    finish(world, ledger)
