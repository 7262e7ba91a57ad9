"""A fleet of worker processes, held against bare SDK calls with the same concurrency, at a provider that takes time."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import reader
from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.local.stripe_emulator.admin import EmulatorAdmin
from payouts_pipeline.local.stripe_emulator.models import FaultKind, FaultRule
from payouts_pipeline.settlement.messages import body
from payouts_pipeline.settlement.topology import Topology
from payouts_pipeline.workflow import phases
from payouts_pipeline.workflow.publish import Phase
from payouts_tests.bench.installation import DAY, copy_of, make_league, parts
from payouts_tests.bench.settlement import bare, client, start_emulator_over, topology_of
from payouts_tests.support.leagues import SYDNEY

INSTRUCTIONS = 1_000
CONCURRENCY = 8
FLEETS = (1, 2, 4)
PAIRS = 3
# What a call takes at Stripe is some 300 ms; a third of that keeps the benchmark short.
_CALL_S = 0.1
_PUBLISH_THREADS = 4


def run() -> None:
    """Print the ratios, and the requests that it takes."""
    print(
        f"\n{INSTRUCTIONS:,} charges at {_CALL_S * 1000:.0f} ms a call: worker processes with {CONCURRENCY} calls each"
    )
    with parts("postgres", "aws", "stripe") as environment, TemporaryDirectory(prefix="payouts-bench-") as folder:
        make_league(environment, INSTRUCTIONS, fees_per_player=1)
        topology = topology_of(environment)
        for workers in FLEETS:
            ratios = []
            for number in range(PAIRS):
                _start_over(environment)
                bare_s = bare(environment, workers * CONCURRENCY, INSTRUCTIONS)
                _start_over(environment)
                url = copy_of(environment, f"fleet_{workers}_{number}")
                fleet_s = _by_fleet({**environment, "PAYOUTS_DATABASE_URL": url}, topology, workers, folder)
                ratios.append(bare_s / fleet_s)
            rate = INSTRUCTIONS / fleet_s
            print(f"  {workers} workers: {rate:5.0f} charges a second; bare to fleet {median(ratios):.2f}")
        ratios = [_publishing(environment, topology, number) for number in range(PAIRS)]
        print(f"  publishing them from the outbox: bare publish_batch to ours {median(ratios):.2f}")


def _start_over(environment: Mapping[str, str]) -> None:
    start_emulator_over(environment)
    with EmulatorAdmin(environment["STRIPE_API_BASE"]) as admin:
        admin.clear_faults()
        admin.add_faults(FaultRule(kind=FaultKind.SLOW, method="POST", delay_s=_CALL_S))


def _charged(url: str) -> Connection:
    """A ledger whose charges are made and not yet published."""
    ledger = open_connection(url)
    with open_connection(url) as source:
        lines = split(reader.fees_of_day(source, DAY, SYDNEY))
        phases.open_charges(ledger, source, DAY, lines, "bench")
    return ledger


def _phase(ledger: Connection, environment: Mapping[str, str], topology: Topology) -> Phase:
    sns = client("sns", environment)
    return Phase(ledger, sns, topology, DAY, [BillingType.PLAYER_CHARGE], "bench", lambda _: None)


def _publishing(environment: Mapping[str, str], topology: Topology, number: int) -> float:
    """How many times as long publishing from the outbox takes as the same requests alone, turned around."""
    sns = client("sns", environment)
    batches = [[str(uuid4()) for _ in range(10)] for _ in range(INSTRUCTIONS // 10)]

    def publish(ids: Sequence[str]) -> None:
        attributes = {"billing_type": {"DataType": "String", "StringValue": "player_charge"}}
        entries = [
            {"Id": str(n), "Message": body(UUID(each)), "MessageAttributes": attributes} for n, each in enumerate(ids)
        ]
        sns.publish_batch(TopicArn=topology.topic_arn, PublishBatchRequestEntries=entries)

    started = time.perf_counter()
    with ThreadPoolExecutor(_PUBLISH_THREADS) as threads:
        list(threads.map(publish, batches))
    bare_s = time.perf_counter() - started
    _empty(environment, topology)
    with _charged(copy_of(environment, f"publishing_{number}")) as ledger:
        started = time.perf_counter()
        published = _phase(ledger, environment, topology).settle(None, timedelta(0))
        ours_s = time.perf_counter() - started
    _empty(environment, topology)
    assert published == INSTRUCTIONS
    return bare_s / ours_s


def _empty(environment: Mapping[str, str], topology: Topology) -> None:
    for url in topology.queue_urls.values():
        client("sqs", environment).purge_queue(QueueUrl=url)


def _by_fleet(environment: Mapping[str, str], topology: Topology, workers: int, folder: str) -> float:
    """Seconds from the first attempt to the last outcome."""
    with _charged(environment["PAYOUTS_DATABASE_URL"]) as ledger:
        with _workers(environment, workers, folder):
            _phase(ledger, environment, topology).settle(None, timedelta(minutes=3))
        [(seconds, settled)] = ledger.execute(
            "select extract(epoch from max(finished_at) - min(first_sent_at))::float8,"
            " count(*) filter (where outcome = 'settled') from payouts.attempts"
        ).fetchall()
    assert settled == INSTRUCTIONS, settled
    return float(seconds)


@contextmanager
def _workers(environment: Mapping[str, str], count: int, folder: str) -> Iterator[None]:
    command = [str(Path(sys.executable).with_name("payouts")), "worker", "--concurrency", str(CONCURRENCY)]
    seen = {"PATH": os.environ["PATH"], "HOME": folder, "PAYOUTS_STACK": "bench", "PAYOUTS_STRIPE_CALLS_PER_S": "0"}
    with (Path(folder) / "workers.log").open("ab") as log:
        started = [
            subprocess.Popen(command, env={**seen, **environment}, cwd=folder, stdout=log, stderr=log)
            for _ in range(count)
        ]
        # They take a second to start; what is measured is how fast they are after that.
        time.sleep(2.0)
        try:
            yield
        finally:
            for worker in started:
                worker.terminate()
            for worker in started:
                worker.wait(60)
