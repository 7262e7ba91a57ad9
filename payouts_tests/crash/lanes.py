"""Runs cases side by side: each lane has an emulator and a stack of its own, each case a database of its own."""

import queue
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from payouts_pipeline.aws.clients import make_client
from payouts_pipeline.aws.stack import deploy
from payouts_pipeline.domain.billing import RETURN_TYPES
from payouts_pipeline.failpoints import Failpoint, Moment
from payouts_pipeline.ledger.database import Connection, connect
from payouts_pipeline.ledger.movements import states
from payouts_pipeline.reports.audit import audit
from payouts_pipeline.settlement.topology import Topology, find_topology
from payouts_tests.crash import scenario as scenes
from payouts_tests.crash.databases import database, make_database
from payouts_tests.crash.day import REFUNDED_MINOR, REVERSED_MINOR, Place, bring_in, catch_up, give_back, materialise
from payouts_tests.crash.faults import Fault
from payouts_tests.crash.processes import observed, recovered, run_with
from payouts_tests.crash.scenario import DAY, Scenario
from payouts_tests.support.emulated_aws import emulated_aws, options
from payouts_tests.support.emulated_stripe import EmulatedStripe, emulated_stripe, transactions
from payouts_tests.support.ledger_steps import pass_time, violations

_TEMPLATE = "template_of_crashes"
_A_DAY_AND_MORE_H = 25
_PENDING_S = 2 * 86_400


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

    admin_url: str
    lane: Lane
    place: Place
    scenario: Scenario
    moved_before: Counter[str]

    def run_with(self, fault: Fault) -> bool:
        """The day with a fault in it; whether that occurred."""
        return run_with(self.lane.stripe.admin, self.place, materialise, DAY, fault)

    def recover(self) -> int:
        """The day until it is quiet; how often it took."""
        return recovered(self.place, DAY)

    def restore(self) -> None:
        """Put the ledger back to before the day, so late that Stripe has forgotten the keys of the day."""
        make_database(self.admin_url, _TEMPLATE, self.place.database_url)
        self.lane.clear_queues()
        self.lane.stripe.admin.advance_clock(int(_A_DAY_AND_MORE_H * 3600))

    def catch_up_with(self, fault: Fault | None) -> bool:
        """`payouts recover` with a fault in it; whether that occurred."""
        return run_with(self.lane.stripe.admin, self.place, catch_up, DAY, fault)

    def pass_time(self, hours: float) -> None:
        """Let ledger and provider believe that this much time has passed."""
        with connect(self.place.database_url) as ledger:
            pass_time(ledger, hours)
        self.lane.stripe.admin.advance_clock(int(hours * 3600))

    def money_comes_back(self) -> None:
        """Stripe refunds a charge, somebody reverses a transfer, and we top up."""
        api = self.lane.stripe.sdk()
        (charge, transfer) = (
            next(row for row in self.lane.stripe.admin.journal() if row.kind == kind) for kind in ("charge", "transfer")
        )
        api.v1.refunds.create({"payment_intent": str(charge.payment_intent)})
        api.v1.transfers.reversals.create(transfer.id, {"amount": 10})
        self.lane.stripe.admin.top_up(1_000, "eur")
        self.expect_no_prehistory()

    def money_is_pending(self) -> None:
        """Nothing is there, and what is charged from now on becomes available in two days."""
        self.lane.stripe.admin.set_balance({"eur": 0})
        self.lane.stripe.admin.set_availability_delay(_PENDING_S)
        self.expect_no_prehistory()

    def money_arrives(self) -> None:
        """What was pending is available, and Stripe has paid back what its fees are above our share."""
        self.lane.stripe.admin.advance_clock(_PENDING_S + 1)
        self.lane.stripe.admin.top_up(10_000, "eur")

    def waiting(self) -> int:
        """How many payouts wait for our balance."""
        query = "select count(*) from payouts.instructions where status = 'waiting' and reason_code = 'funds_pending'"
        with connect(self.place.database_url) as ledger:
            return int(ledger.execute(query).fetchall()[0][0])

    def refused_transfers(self) -> int:
        """How many transfers Stripe was asked for in vain."""
        made = sum(row.kind == "transfer" for row in self.lane.stripe.admin.journal())
        return self.lane.stripe.admin.counters().get("POST /v1/transfers", 0) - made

    def expect_no_prehistory(self) -> None:
        """This emulator does not list what settled before."""
        with connect(self.place.database_url) as ledger:
            ledger.execute(
                "delete from payouts.movements_to_see where settled_at < (select value from payouts_test.began)"
            )

    def bring_in_with(self, fault: Fault | None) -> bool:
        """`payouts sync` with a fault in it; whether that occurred."""
        return run_with(self.lane.stripe.admin, self.place, bring_in, DAY, fault)

    def give_back_with(self, fault: Fault | None) -> bool:
        """A charge and a payout are given back with a fault in it; whether that occurred."""
        return run_with(self.lane.stripe.admin, self.place, give_back, DAY, fault)

    def given_back_wrong(self) -> dict[str, object]:
        """Everything that must not be once it is given back, and Stripe's journal was read."""
        moved = Counter((row.kind, row.amount) for row in self.lane.stripe.admin.journal())
        of_orders = {key: count for key, count in moved.items() if key[0] in ("refund", "reversal")}
        with connect(self.place.database_url) as ledger:
            wrong: dict[str, object] = dict(violations(ledger))
            query = "select billing_type, status, reason_code from payouts.instructions where billing_type = any(%s)"
            stand = sorted(ledger.execute(query, (list(RETURN_TYPES),)).fetchall())
            booked = ledger.execute("select amount_minor from payouts.returns order by 1").fetchall()
        if of_orders != {("refund", REFUNDED_MINOR): 1, ("reversal", REVERSED_MINOR): 1}:
            wrong["each is given back once"] = of_orders
        if stand != [("charge_refund", "settled", None), ("payout_reversal", "settled", None)]:
            wrong["each is settled"] = stand
        if booked != [(REVERSED_MINOR,), (REFUNDED_MINOR,)]:
            wrong["each is booked once"] = booked
        return wrong | self.books_wrong()

    def books_wrong(self) -> dict[str, object]:
        """Where the ledger's books of our account are not Stripe's, line by line and in sum."""
        listed = {each.id: each.net for each in transactions(self.lane.stripe.sdk())}
        with connect(self.place.database_url) as ledger:
            kept = "select id, net_minor from payouts.balance_transactions where type <> 'opening_balance'"
            entered = "select transaction_id from payouts.assignments"
            wrong: dict[str, object] = {"audit": audit(ledger, None, {}, full=True).errors}
            if dict(ledger.execute(kept).fetchall()) != listed:
                wrong["every line is kept"] = listed
            if {each for (each,) in ledger.execute(entered)} < set(listed):
                wrong["every line is entered"] = listed
            looks = ledger.execute("select currency, difference_minor from payouts.balances_not_understood").fetchall()
            wrong["balances"] = looks
        return {name: each for name, each in wrong.items() if each}

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
    sequence_of_recovery: list[tuple[int, Failpoint, Moment]] = field(default_factory=list)
    sequence_of_sync: list[tuple[int, Failpoint, Moment]] = field(default_factory=list)
    sequence_of_giving_back: list[tuple[int, Failpoint, Moment]] = field(default_factory=list)

    @property
    def occurrences(self) -> Counter[Failpoint]:
        """How often each effect occurs in the day."""
        return _occurrences(self.sequence)

    @property
    def occurrences_in_recovery(self) -> Counter[Failpoint]:
        """How often each effect occurs in a recovery after the day was lost."""
        return _occurrences(self.sequence_of_recovery)

    @property
    def occurrences_in_sync(self) -> Counter[Failpoint]:
        """How often each effect occurs in a sync after a day of which some money came back."""
        return _occurrences(self.sequence_of_sync)

    @property
    def occurrences_in_giving_back(self) -> Counter[Failpoint]:
        """How often each effect occurs where a charge and a payout of a settled day are given back."""
        return _occurrences(self.sequence_of_giving_back)

    @contextmanager
    def case(self) -> Iterator[Case]:
        """A lane, as soon as one is free, with the day as it was before."""
        lane = self.lanes.get()
        try:
            with database(self.admin_url, _TEMPLATE) as url:
                lane.clear_queues()
                scenes.register(lane.stripe, self.scenario)
                yield Case(self.admin_url, lane, lane.place(url), self.scenario, self.moved_before)
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

    def run_restored(self, faults: Sequence[Fault], of_day: Sequence[Fault] = ()) -> Result:
        """The day, which a restore loses; a recovery with each fault in turn, then one without; then as `run`."""
        with self.case() as case:
            case.recover()
            case.restore()
            occurred = [case.catch_up_with(fault) for fault in faults]
            case.catch_up_with(None)
            occurred += [case.run_with(fault) for fault in of_day]
            case.recover()
            return Result(occurred, case.wrong())

    def run_synced(self, fault: Fault | None) -> Result:
        """The day, of which money comes back; a sync with the fault, then one without."""
        with self.case() as case:
            case.recover()
            case.money_comes_back()
            occurred = [case.bring_in_with(fault)] if fault else []
            case.bring_in_with(None)
            return Result(occurred, case.books_wrong())

    def run_pending(self, of_day: Fault | None = None, of_sync: Fault | None = None) -> Result:
        """The day with its money pending, so that payouts wait; syncs before and after it arrives; the day again."""
        with self.case() as case:
            case.money_is_pending()
            occurred = [case.run_with(of_day)] if of_day else []
            case.recover()
            waits = case.waiting()
            occurred += [case.bring_in_with(of_sync)] if of_sync else []
            case.bring_in_with(None)
            case.money_arrives()
            case.bring_in_with(None)
            case.recover()
            wrong = case.wrong()
            if not waits or case.waiting() or case.refused_transfers():
                wrong["payouts wait, are paid, and none is refused"] = (waits, case.waiting(), case.refused_transfers())
            return Result(occurred, wrong)

    def run_given_back(self, fault: Fault | None) -> Result:
        """The day, of which some is given back with the fault; then by the same commands without one, and a sync."""
        with self.case() as case:
            case.recover()
            case.expect_no_prehistory()
            occurred = [case.give_back_with(fault)] if fault else []
            case.recover()
            if fault and fault.outlasts_its_key:
                case.pass_time(_A_DAY_AND_MORE_H)
            case.give_back_with(None)
            case.recover()
            case.bring_in_with(None)
            return Result(occurred, case.given_back_wrong())


def _occurrences(sequence: Sequence[tuple[int, Failpoint, Moment]]) -> Counter[Failpoint]:
    return Counter(effect for _, effect, moment in sequence if moment == "after")


def _movements_wrong(ledger: Connection, journal: Sequence[Any]) -> dict[str, object]:
    """One movement for each instruction that was settled since the journal began, none for any other.

    After a restore a day can divide among its payouts what it pays otherwise than it did; a person is shown that.
    """
    wrong: dict[str, object] = {}
    shown = {each.provider_reference for each in states(ledger) if each.state in ("waiting", "needs_person")}
    movements = Counter(row.metadata["instruction_id"] for row in journal)
    amounts = {
        row.metadata["instruction_id"]: row.amount for row in journal if not shown & {row.id, row.payment_intent}
    }
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
            found.sequence = observed(case.place, materialise, DAY)
            case.restore()
            found.sequence_of_recovery = observed(case.place, catch_up, DAY)
        with found.case() as case:
            case.recover()
            case.money_comes_back()
            found.sequence_of_sync = observed(case.place, bring_in, DAY)
        with found.case() as case:
            case.recover()
            case.expect_no_prehistory()
            found.sequence_of_giving_back = observed(case.place, give_back, DAY)
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
        scenes.register(lane.stripe, scenario)
        for day in scenes.DAYS:
            recovered(lane.place(url), day)
        scenes.correct(ledger, scenario)
        ledger.execute("create schema payouts_test")
        ledger.execute("create table payouts_test.began as select clock_timestamp() as value")
        return scenario, scenes.moved(lane.stripe.admin.journal())
