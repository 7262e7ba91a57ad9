"""A day of 20,000 instructions, settled by a fleet while its workers, its database and its bus fail all the time.

Four real `payouts worker` processes, of which one is killed every second; a database that is stopped as by a power cut
every twenty seconds; a bus that brings one message in ten twice. A run without workers of its own publishes, and finds
again what was lost. In the end the emulator's journal must hold one movement for each instruction.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, LiteralString

import psycopg

from payouts_pipeline.aws.clients import make_client
from payouts_pipeline.aws.errors import AwsError
from payouts_pipeline.aws.stack import deploy
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.splits import split
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader
from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.local.stripe_emulator.admin import AccountSeed, CustomerSeed, EmulatorAdmin
from payouts_pipeline.reports.audit import audit
from payouts_pipeline.settlement.messages import Pointer, publish_batches
from payouts_pipeline.settlement.topology import Topology, find_topology
from payouts_pipeline.workflow import phases
from payouts_pipeline.workflow.publish import Phase
from payouts_tests.bench.installation import DAY, make_league, parts
from payouts_tests.fleet.database import Database, database
from payouts_tests.fleet.workers import Workers
from payouts_tests.support.leagues import SYDNEY

INSTRUCTIONS = int(os.environ.get("FLEET_INSTRUCTIONS", "20000"))
SEED = int(os.environ.get("FLEET_SEED", "1"))
_WORKERS = 4
_KILL_EVERY_S = 1.0
_RESTART_EVERY_S = 20.0
_DOUBLED = 0.1
_GIVES_UP_AFTER_S = 1500.0


@dataclass
class Soak:
    """Everything that the fleet stands on, and what was done to it."""

    database: Database
    environment: Mapping[str, str]
    topology: Topology
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[Exception] = field(default_factory=list)

    def settle(self, folder: Path) -> float:
        """Let the fleet settle the day, and do to it what this is for; seconds that it took."""
        started = time.monotonic()
        with Workers(self.environment, folder, _WORKERS, self.chance) as workers:
            with ExitStack() as stack:
                stack.enter_context(self._every(_KILL_EVERY_S, lambda: self._kill_one(workers)))
                stack.enter_context(self._every(_RESTART_EVERY_S, self._restart_database))
                while not self._is_settled():
                    assert not self.failures, self.failures
                    assert time.monotonic() < started + _GIVES_UP_AFTER_S, f"not in time: {self._statuses()}"
                    self._publish()
                    self._double_some()
            self.counts["workers killed"] += workers.killed
        # One that has just been started has no handler for it yet.
        assert set(workers.exit_codes) <= {0, -signal.SIGTERM}, workers.exit_codes
        return time.monotonic() - started

    @contextmanager
    def _every(self, pause_s: float, act: Callable[[], None]) -> Iterator[None]:
        """Do something again and again beside what is done in the context."""
        ended = threading.Event()

        def repeat() -> None:
            try:
                while not ended.wait(pause_s):
                    act()
            except Exception as error:
                self.failures.append(error)

        thread = threading.Thread(target=repeat)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _kill_one(self, workers: Workers) -> None:
        self.counts["workers that gave up"] += workers.replace_ended()
        workers.kill_one()

    def _restart_database(self) -> None:
        self.counts["milliseconds without a database"] += round(1000 * self.database.restart_at_once())
        self.counts["database restarts"] += 1

    def _publish(self) -> None:
        """What a run with PAYOUTS_WORKERS=0 does, which is started anew when it fails."""
        try:
            with open_connection(self.environment["PAYOUTS_DATABASE_URL"]) as ledger:
                phase = Phase(ledger, _client("sns"), self.topology, DAY, list(BillingType), "run", lambda _: None)
                self.counts["messages"] += phase.settle(None, timedelta(seconds=0.3))
        except (psycopg.Error, PayoutsError, AwsError):
            self.counts["runs that failed"] += 1
            time.sleep(0.5)

    def _double_some(self) -> None:
        """Publish some messages once more, of whatever state: settled, being sent, lost."""
        try:
            with open_connection(self.environment["PAYOUTS_DATABASE_URL"]) as ledger:
                rows = ledger.execute(
                    "select id, billing_type from payouts.instructions where published_at > now() - interval '20 s'"
                    " and random() < %s limit 100",
                    (_DOUBLED,),
                ).fetchall()
        except (psycopg.Error, PayoutsError):
            return
        pointers = [Pointer(*row) for row in rows]
        list(publish_batches(_client("sns"), self.topology.topic_arn, pointers))
        self.counts["messages doubled"] += len(pointers)

    def _is_settled(self) -> bool:
        statuses = self._statuses()
        return not {"pending", "published", "sending", "unknown", "none yet"} & statuses.keys()

    def _statuses(self) -> dict[str, int]:
        try:
            with open_connection(self.environment["PAYOUTS_DATABASE_URL"]) as ledger:
                rows = ledger.execute("select status, count(*) from payouts.instructions group by 1").fetchall()
        except (psycopg.Error, PayoutsError):
            return {"none yet": 0}
        return dict(rows)


@cache
def _client(service: str) -> Any:
    return make_client(service)


def run() -> int:
    """Run it, print the figures, and fail where anything is not as it should be."""
    print(f"A fleet of {_WORKERS} workers settles {INSTRUCTIONS:,} charges and their payouts; seed {SEED}")
    with ExitStack() as stack:
        served = stack.enter_context(database())
        found = stack.enter_context(parts("aws", "stripe"))
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="payouts-fleet-")))
        environment = {**found, "PAYOUTS_DATABASE_URL": served.url, "PAYOUTS_STRIPE_CALLS_PER_S": "0"}
        os.environ.update(environment)
        deploy(_client("cloudformation"), "payouts", report=lambda _: None)
        topology = find_topology(_client("cloudformation"), "payouts")
        make_league(environment, INSTRUCTIONS, 1)
        _register(environment)
        soak = Soak(served, environment, topology, random.Random(SEED))
        _charge(served.url)
        charges_s = soak.settle(folder)
        _pay_out(served.url)
        payouts_s = soak.settle(folder)
        return _judge(soak, charges_s, payouts_s)


def _register(environment: Mapping[str, str]) -> None:
    with EmulatorAdmin(environment["STRIPE_API_BASE"]) as admin:
        admin.put_customers(
            CustomerSeed(id=f"cus_{number}", default_payment_method="pm_card_visa")
            for number in range(1, INSTRUCTIONS + 1)
        )
        admin.set_balance(dict.fromkeys(("aud", "eur", "jpy", "kwd"), 10**12))
        names = [("club", max(4, INSTRUCTIONS // 100)), ("organiser", 10), ("partner", 5)]
        admin.put_accounts(AccountSeed(id=f"acct_{name}{n}") for name, count in names for n in range(1, count + 1))


def _charge(url: str) -> None:
    with open_connection(url) as ledger, open_connection(url) as source:
        phases.open_charges(ledger, source, DAY, split(reader.fees_of_day(source, DAY, SYDNEY)), "soak")


def _pay_out(url: str) -> None:
    with open_connection(url) as ledger, open_connection(url) as source:
        phases.open_payouts(ledger, source, DAY, {}, "soak")


def _judge(soak: Soak, charges_s: float, payouts_s: float) -> int:
    with EmulatorAdmin(soak.environment["STRIPE_API_BASE"]) as admin:
        journal, requests = admin.journal(), sum(admin.counters().values())
    moved = Counter(str(row.metadata["instruction_id"]) for row in journal)
    with open_connection(soak.environment["PAYOUTS_DATABASE_URL"]) as ledger:
        settled = {
            row[0]: row[1]
            for row in ledger.execute(
                "select id::text, amount_minor from payouts.instructions where status = 'settled'"
            )
        }
        wrong = {
            "instructions that are not settled": _count(ledger, "select count(*) from payouts.instructions")
            - len(settled),
            "charges that were not made": INSTRUCTIONS
            - _count(ledger, "select count(*) from payouts.instructions where billing_type = 'player_charge'"),
            "moved twice": sum(count > 1 for count in moved.values()),
            "moved but not settled": len(moved.keys() - settled.keys()),
            "settled but not moved": len(settled.keys() - moved.keys()),
            "moved with another amount": sum(
                settled.get(str(row.metadata["instruction_id"])) != row.amount for row in journal
            ),
            "dead letters": _dead_letters(soak.topology),
            "violations of the rules of money": len(audit(ledger, None, {}).violations),
        }
    for name, count in sorted(soak.counts.items()):
        print(f"  {name:36} {count:>8,}")
    rate = len(moved) / (charges_s + payouts_s)
    print(f"  {'movements':36} {len(moved):>8,}   in {charges_s + payouts_s:.0f} s, {rate:.0f} a second")
    print(f"  {'requests at Stripe':36} {requests:>8,}")
    for name, count in wrong.items():
        print(f"  {name:36} {count:>8,}{'   <- WRONG' if count else ''}")
    return 1 if any(wrong.values()) else 0


def _count(ledger: Connection, query: LiteralString) -> int:
    [(count,)] = ledger.execute(query).fetchall()
    return int(count)


def _dead_letters(topology: Topology) -> int:
    sqs, names = _client("sqs"), ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answers = [
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names) for url in topology.dead_letter_urls.values()
    ]
    return sum(int(count) for answer in answers for count in answer["Attributes"].values())
