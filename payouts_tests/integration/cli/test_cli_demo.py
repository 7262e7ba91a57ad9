"""What a stranger sees first: `payouts demo` and `payouts dev` with nothing set, on embedded parts of their own."""

import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from payouts_pipeline.ledger.database import open_connection
from payouts_pipeline.local import season
from payouts_pipeline.local.embedded import embedded, stop
from payouts_pipeline.local.embedded.parts import PART_NAMES
from payouts_tests.support.command_line import payouts, start
from payouts_tests.support.emulated_stripe import EmulatedStripe, emulated_stripe
from payouts_tests.support.folders import temporary_folder
from payouts_tests.support.ledger_steps import fingerprint, violations
from payouts_tests.support.materialising import day_by_day, ledger_of
from payouts_tests.support.worlds import ASSETS, TRIM, YESTERDAY, World, project

DAYS = [YESTERDAY - timedelta(days=2), YESTERDAY - timedelta(days=1)]
PATIENCE_S = 300.0

LAUNCH = """
mutation Launch($backfill: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfill) { __typename }
}
"""
RUNS = "query { runsOrError { ... on Runs { results { status tags { key value } } } } }"
SCHEDULES = """
query { schedulesOrError(repositorySelector: {repositoryLocationName: "payouts", repositoryName: "__repository__"}) {
  ... on Schedules { results { name scheduleState { status } } } } }
"""


@dataclass(frozen=True)
class Demo:
    """Two demos that ran in one folder, and the parts that they left their state in."""

    world: World
    first: "subprocess.CompletedProcess[str]"
    second: "subprocess.CompletedProcess[str]"
    # What the second one changed: rows, and calls of the provider.
    before: tuple[Mapping[str, str], Mapping[str, int]]
    after: tuple[Mapping[str, str], Mapping[str, int]]


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with temporary_folder("payouts-demo-") as place, ExitStack() as stack:
        folder = project(place / "clone")
        stack.callback(stop, folder / ".payouts")
        bare = World({}, folder, stack)
        first = payouts(bare, "demo")
        world = World(stack.enter_context(embedded(PART_NAMES, folder / ".payouts")), folder, stack)
        before = state_of(world)
        second = payouts(bare, "demo")
        yield Demo(world, first, second, before, state_of(world))


def state_of(world: World) -> tuple[Mapping[str, str], Mapping[str, int]]:
    with open_connection(world.environment["PAYOUTS_DATABASE_URL"]) as ledger:
        return fingerprint(ledger), world.emulator().counters()


def test_the_demo_settles_yesterday_and_shows_why_the_rest_waits(demo: Demo) -> None:
    assert demo.first.returncode == 0, demo.first.stderr
    shown = demo.first.stdout
    for text in (
        f"Payouts of {YESTERDAY}",
        "the card was reported stolen",
        "the card does not have enough funds",
        "the club has no Stripe account",
        "the shares do not add up to 10,000 basis points",
        "All of it took",
    ):
        assert text in shown
    totals = [line.split() for line in shown.splitlines() if re.match(r" *(AUD|EUR|JPY|KWD) ", line)]
    assert {row[0]: float(row[-1]) for row in totals} == {"AUD": 0, "EUR": 0, "JPY": 0, "KWD": 0}
    assert "instructions settled so far" in demo.first.stderr


def test_a_second_demo_changes_nothing_and_says_so(demo: Demo) -> None:
    assert demo.second.returncode == 0, demo.second.stderr
    assert "nothing had changed, so nothing was booked, sent or asked" in demo.second.stdout
    assert demo.after == demo.before


def test_after_the_demo_the_doctor_finds_everything_ready_and_changes_nothing(demo: Demo) -> None:
    before = state_of(demo.world)[0]
    done = payouts(World({}, demo.world.folder, ExitStack()), "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    *lines, verdict = done.stdout.splitlines()
    assert verdict.startswith("A night could be paid: no problems")
    assert [line for line in lines if not line.startswith(("ok ", "warning  open payments: "))] == []
    assert state_of(demo.world)[0] == before


def test_card_money_is_pending_for_as_long_as_the_demo_is_told(demo: Demo) -> None:
    bare, balance = (
        World({}, demo.world.folder, ExitStack()),
        f"{demo.world.environment['STRIPE_API_BASE']}/_emulator/balance",
    )
    for options, delay_s in ((["--pending-days", "1.5"], 129_600), ([], 0)):
        assert payouts(bare, "demo", *options).returncode == 0
        assert httpx.get(balance).json()["availability_delay_s"] == delay_s


def test_what_was_taken_back_after_the_night_is_brought_in_and_held_and_happens_once() -> None:
    """A demo of its own: the days of the other one go on."""
    with temporary_folder("payouts-demo-") as place, ExitStack() as stack:
        folder = project(place / "clone")
        stack.callback(stop, folder / ".payouts")
        bare = World({}, folder, stack)
        first = payouts(bare, "demo", "--with-returns")
        assert first.returncode == 0, first.stderr
        assert [text in first.stderr for text in ("was refunded", "was disputed", "was reversed")] == [True] * 3
        after = first.stdout.partition("3 lines of Stripe's journal are new; 3 were entered.")[2]
        held = [line.split()[:2] for line in after.splitlines() if "'payouts unhold'" in line]
        assert [kind for kind, status in held if status == "held"][-1] == "player_charge"
        assert len(held) == 2, "what the transfer and the charges had moved"
        assert "differs from the ledger" not in after
        world = World(stack.enter_context(embedded(PART_NAMES, folder / ".payouts")), folder, stack)
        before = state_of(world)[0]
        second = payouts(bare, "demo", "--with-returns")
        assert "nothing had changed, so nothing was booked, sent or asked" in second.stdout
        assert "at the Stripe emulator" not in second.stderr
        again = state_of(world)[0]
        # When Stripe was asked, and how far the audit has summed up the entries: no money.
        changed = {name for name in before if before[name] != again[name]}
        assert changed <= {"feeds", "bank_looks", "checkpoints", "account_checkpoints"}
        assert payouts(bare, "verify", "--provider").returncode == 0


@contextmanager
def development(demo: Demo) -> Iterator[str]:
    """`payouts dev` for the length of a test: the address of its page. Ctrl-C ends it, and all that it started."""
    with start(World({}, demo.world.folder, ExitStack()), "dev", "--port", "0") as process:
        try:
            yield announced(process)
            family = psutil.Process(process.pid).children(recursive=True)
        finally:
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert not re.search("DEBUG|WARN|ERROR", err), err
    _, alive = psutil.wait_procs(family, timeout=60)
    assert len(family) > 2
    assert not alive


def announced(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"Dagster UI comes up at (http://127\.0\.0\.1:\d+)", line):
            return found[1]
    raise AssertionError("no address was announced")


def asked(page: str, query: str, **variables: Any) -> Any:
    answer = httpx.post(f"{page}/graphql", json={"query": query, "variables": variables}, timeout=30)
    answer.raise_for_status()
    assert "errors" not in answer.json(), answer.text
    return answer.json()["data"]


def eventually(condition: Callable[[], Any], hope: str) -> Any:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        try:
            if found := condition():
                return found
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise AssertionError(hope)


def backfilled(page: str) -> list[str]:
    """The status of each run of a backfill."""
    runs = asked(page, RUNS)["runsOrError"]["results"]
    return [run["status"] for run in runs if any(tag["key"] == "dagster/backfill" for tag in run["tags"])]


@pytest.fixture
def stripe_of_reference(demo: Demo, tmp_path: Path) -> Iterator[EmulatedStripe]:
    """A Stripe of its own, which knows the same people: of two copies of one ledger, one would be behind."""
    with emulated_stripe(tmp_path, demo.world.environment["STRIPE_API_KEY"]) as stripe:
        people = season.stripe_entities(season.reference_frames(DAYS[0], YESTERDAY))
        season.register_with_emulator(stripe.admin, people)
        stripe.admin.set_balance(demo.world.emulator().available_balance())
        yield stripe


def reference(demo: Demo, stripe: EmulatedStripe) -> World:
    """A copy of the database as the demo left it, in which the days to backfill are few fees."""
    with open_connection(demo.world.environment["PAYOUTS_DATABASE_URL"]) as league:
        league.execute(f"{TRIM} and match_id / 100 < {YESTERDAY:%Y%m%d}")
    with psycopg.connect(demo.world.environment["DAGSTER_DATABASE_URL"], autocommit=True) as admin:
        admin.execute("create database reference template payouts")
    url = demo.world.environment["PAYOUTS_DATABASE_URL"].rsplit("/", 1)[0] + "/reference"
    storage = str(demo.world.folder / "reference")
    return demo.world.but(PAYOUTS_DATABASE_URL=url, PAYOUTS_STORAGE=storage, STRIPE_API_BASE=stripe.url)


def test_a_backfill_from_the_page_gives_the_ledger_of_day_by_day(
    demo: Demo, stripe_of_reference: EmulatedStripe
) -> None:
    expected = reference(demo, stripe_of_reference)
    with development(demo) as page:
        eventually(lambda: httpx.get(f"{page}/server_info", timeout=5).is_success, "the page comes up")
        backfill = {
            "assetSelection": [{"path": [asset]} for asset in ASSETS],
            "partitionNames": [str(day) for day in DAYS],
        }
        launched = asked(page, LAUNCH, backfill=backfill)["launchPartitionBackfill"]
        assert launched == {"__typename": "LaunchBackfillSuccess"}
        [nightly] = asked(page, SCHEDULES)["schedulesOrError"]["results"]
        assert nightly == {"name": "nightly_payouts", "scheduleState": {"status": "RUNNING"}}
        day_by_day(expected, DAYS)
        statuses = eventually(
            lambda: (found := backfilled(page)) and set(found) <= {"SUCCESS", "FAILURE", "CANCELED"} and found,
            "the backfill comes to its end",
        )
    assert statuses == ["SUCCESS"], "one run for both days"
    ledger = demo.world.connect()
    assert ledger_of(ledger) == ledger_of(expected.connect())
    assert violations(ledger) == {}
