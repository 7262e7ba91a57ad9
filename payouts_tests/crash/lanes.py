"""Runs cases side by side: each lane has an emulator and a stack of its own, each case a database of its own."""

import itertools
import multiprocessing
import queue
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from payouts_pipeline.aws.clients import make_client
from payouts_pipeline.aws.stack import deploy
from payouts_pipeline.failpoints import Failpoint, Moment
from payouts_pipeline.ledger.database import Connection, connect
from payouts_pipeline.settlement.topology import Topology, find_topology
from payouts_tests.crash import scenario as scenes
from payouts_tests.crash import victim
from payouts_tests.crash.day import Place
from payouts_tests.crash.faults import LOST, Fault
from payouts_tests.crash.scenario import DAY, Scenario
from payouts_tests.support.emulated_aws import emulated_aws, options
from payouts_tests.support.emulated_stripe import EmulatedStripe, emulated_stripe
from payouts_tests.support.ledger_steps import pass_time, violations

_TEMPLATE = "template_of_crashes"
_CASE_TIMEOUT_S = 90
# Every start of a process looks at all others, and of two threads that look at one of them the second is told 255. So
# what a child has sent says how it ended, and its exit code only what was wrong.
_KILLED = (-signal.SIGKILL, 255)
_A_DAY_AND_MORE_H = 25
_numbers = itertools.count(1)

# Forks a child in milliseconds from a process that has everything imported and nothing connected.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["payouts_tests.crash.victim"])


@dataclass(frozen=True)
class Lane:
    """What one case at a time has to itself."""

    stripe: EmulatedStripe
    aws_url: str
    stack: str
    topology: Topology
    folder: Path

    def place(self, database_url: str) -> Place:
        shutil.rmtree(self.folder, ignore_errors=True)
        return Place(database_url, self.aws_url, self.topology, self.stripe.url, str(self.folder))

    def clear_queues(self) -> None:
        sqs = make_client("sqs", **options(self.aws_url))
        for url in (*self.topology.queue_urls.values(), *self.topology.dead_letter_urls.values()):
            sqs.purge_queue(QueueUrl=url)
        sqs.close()


@dataclass(frozen=True)
class Result:
    """What came of a case: which of its faults occurred, and everything that is wrong afterwards."""

    occurred: Sequence[bool]
    wrong: Mapping[str, object]


@dataclass(frozen=True)
class Case:
    """One copy of the day, on a lane."""

    lane: Lane
    place: Place
    scenario: Scenario
    moved_before: Counter[str]

    def run_with(self, fault: Fault) -> bool:
        """The day with a fault in it; whether that occurred."""
        return run_with(self.lane, self.place, DAY, fault)

    def recover(self) -> int:
        """The day until it is quiet; how often it took."""
        return in_child(victim.recover, self.place, DAY)

    def pass_time(self, hours: float) -> None:
        """Let ledger and provider believe that this much time has passed."""
        with connect(self.place.database_url) as ledger:
            pass_time(ledger, hours)
        self.lane.stripe.admin.advance_clock(int(hours * 3600))

    def wrong(self) -> dict[str, object]:
        """Everything that must not be once a day is quiet."""
        journal = self.lane.stripe.admin.journal()
        with connect(self.place.database_url) as ledger:
            wrong: dict[str, object] = dict(violations(ledger))
            wrong |= _movements_wrong(ledger, journal)
            expected = scenes.expected(ledger, self.scenario, self.moved_before)
            actual = self.moved_before + scenes.moved(journal)
            if actual != expected:
                wrong["everybody has what the oracle says"] = {"is": actual, "should be": expected}
            if scenes.open_statuses(ledger) != ["held", "waiting"]:
                wrong["only what waits for a person or a day is open"] = scenes.open_statuses(ledger)
        return wrong


@dataclass
class Lanes:
    """Some lanes, and the template that every case starts from."""

    admin_url: str
    lanes: "queue.SimpleQueue[Lane]"
    pool: ThreadPoolExecutor
    scenario: Scenario
    moved_before: Counter[str]
    sequence: list[tuple[int, Failpoint, Moment]] = field(default_factory=list)

    @property
    def occurrences(self) -> Counter[Failpoint]:
        """How often each effect occurs in the day."""
        return Counter(effect for _, effect, moment in self.sequence if moment == "after")

    @contextmanager
    def case(self) -> Iterator[Case]:
        """A lane, as soon as one is free, with the day as it was before."""
        lane = self.lanes.get()
        try:
            with database(self.admin_url, _TEMPLATE) as url:
                lane.clear_queues()
                scenes.register(lane.stripe.admin, self.scenario)
                yield Case(lane, lane.place(url), self.scenario, self.moved_before)
        finally:
            self.lanes.put(lane)

    def run(self, faults: Sequence[Fault]) -> Result:
        """The day with each fault in turn, then until it is quiet, then the checks."""
        with self.case() as case:
            occurred = [case.run_with(fault) for fault in faults]
            case.recover()
            if any(fault.outlasts_its_key for fault in faults):
                case.pass_time(_A_DAY_AND_MORE_H)
                case.recover()
            return Result(occurred, case.wrong())


def _movements_wrong(ledger: Connection, journal: Sequence[Any]) -> dict[str, object]:
    """One movement for each instruction that was settled since the journal began, none for any other."""
    wrong: dict[str, object] = {}
    movements = Counter(row.metadata["instruction_id"] for row in journal)
    amounts = {row.metadata["instruction_id"]: row.amount for row in journal}
    if twice := [name for name, count in movements.items() if count > 1]:
        wrong["nothing moves twice"] = twice
    settled = ledger.execute(
        "select i.id::text, amount_minor from payouts.instructions as i where status = 'settled'"
        " and exists (select from payouts.events as e where e.instruction_id = i.id and to_status = 'settled'"
        " and actor <> 'prehistory' and at > (select value::timestamptz from payouts_test.began))"
    ).fetchall()
    if dict(settled) != amounts:
        wrong["what is settled is what moved"] = {"settled": dict(settled), "moved": amounts}
    return wrong


def run_with(lane: Lane, place: Place, day: date, fault: Fault | None) -> bool:
    """The day in a process of its own; whether the fault occurred in it."""
    rule = fault.at_stripe() if fault else None
    if rule:
        lane.stripe.admin.add_faults(rule)
    receiver, sender = _processes.Pipe(duplex=False)
    child = _processes.Process(target=victim.run_day, args=(place, day, fault, sender))
    exit_code, answer = _ended(child, receiver, sender)
    if fault and fault.kills:
        assert exit_code in _KILLED or answer is not None, f"{fault}: the victim ended with {exit_code}"
        return answer is None
    assert answer is not None, f"{fault}: the victim ended with {exit_code}"
    if rule:
        [state] = lane.stripe.admin.faults()
        lane.stripe.admin.clear_faults()
        return state.hits > 0
    return bool(answer[1]) if fault and fault.how == LOST else True


def observed(place: Place, day: date) -> list[tuple[int, Failpoint, Moment]]:
    """The effects of a day without faults, in their order, each with its thread."""
    receiver, sender = _processes.Pipe(duplex=False)
    child = _processes.Process(target=victim.run_day, args=(place, day, None, sender))
    _, answer = _ended(child, receiver, sender)
    sequence: list[tuple[int, Failpoint, Moment]] = answer[0]
    return sequence


def in_child(target: Callable[..., None], place: Place, day: date) -> int:
    receiver, sender = _processes.Pipe(duplex=False)
    exit_code, answer = _ended(_processes.Process(target=target, args=(place, day, sender)), receiver, sender)
    assert isinstance(answer, int), f"the day does not come to rest ({exit_code}): {answer}"
    return answer


def _ended(child: Any, receiver: Any, sender: Any) -> tuple[int, Any]:
    """Start it, and wait for its end; its exit code, and what it sent before that."""
    child.start()
    sender.close()
    child.join(_CASE_TIMEOUT_S)
    if child.exitcode is None:
        child.kill()
        child.join()
        raise AssertionError(f"the day does not end within {_CASE_TIMEOUT_S} s")
    try:
        answer = receiver.recv() if receiver.poll() else None
    except EOFError:
        answer = None
    receiver.close()
    return child.exitcode, answer


@contextmanager
def database(admin_url: str, template: str) -> Iterator[str]:
    """A copy of a database for one case."""
    name = Identifier(f"crash_{next(_numbers)}")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(SQL("create database {} template {} strategy file_copy").format(name, Identifier(template)))
        try:
            yield make_conninfo(admin_url, dbname=name.as_string().strip('"'))
        finally:
            admin.execute(SQL("drop database {} with (force)").format(name))


@contextmanager
def lanes(admin_url: str, template: str, folder: Path, count: int) -> Iterator[Lanes]:
    """Start everything, and live through the prehistory."""
    with ExitStack() as stack:
        (folder / "aws").mkdir()
        aws_url = stack.enter_context(emulated_aws(folder / "aws"))
        free: queue.SimpleQueue[Lane] = queue.SimpleQueue()
        made = [_lane(stack, aws_url, folder / str(number), number) for number in range(count)]
        scenario, before = _prehistory(admin_url, template, made[0])
        for lane in made:
            free.put(lane)
        pool = stack.enter_context(ThreadPoolExecutor(count))
        found = Lanes(admin_url, free, pool, scenario, before)
        with found.case() as case:
            found.sequence = observed(case.place, DAY)
        yield found


def _lane(stack: ExitStack, aws_url: str, folder: Path, number: int) -> Lane:
    folder.mkdir()
    formation = make_client("cloudformation", **options(aws_url))
    name = f"crash-{number}"
    deploy(formation, name, report=lambda _: None)
    stripe = stack.enter_context(emulated_stripe(folder))
    return Lane(stripe, aws_url, name, find_topology(formation, name), folder / "files")


def _prehistory(admin_url: str, template: str, lane: Lane) -> tuple[Scenario, Counter[str]]:
    """Make the template: the league, its first days, and what was corrected since."""
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(SQL("create database {} template {}").format(Identifier(_TEMPLATE), Identifier(template)))
    url = make_conninfo(admin_url, dbname=_TEMPLATE)
    with connect(url) as ledger:
        scenario = scenes.populate(ledger)
        scenes.register(lane.stripe.admin, scenario)
        for day in scenes.DAYS:
            in_child(victim.recover, lane.place(url), day)
        scenes.correct(ledger, scenario)
        ledger.execute("create schema payouts_test")
        ledger.execute("create table payouts_test.began as select clock_timestamp() as value")
        return scenario, scenes.moved(lane.stripe.admin.journal())
