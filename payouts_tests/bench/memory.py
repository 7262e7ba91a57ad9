"""The most memory that a process takes: for a large day and one three times as large, and to settle charges."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

import dagster as dg
from upath import UPath

from payouts_pipeline.defs import metadata
from payouts_pipeline.defs.check_catalogue import (
    COLLECTED_FEES,
    MATCHES,
    SPLITS,
    ChargesOfDay,
    MatchesOfDay,
    SplitsOfDay,
)
from payouts_pipeline.defs.io_managers import ParquetFiles
from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import reader
from payouts_pipeline.ledger.database import open_connection
from payouts_pipeline.settlement.assemble import settlement
from payouts_pipeline.settlement.topology import Topology
from payouts_pipeline.workflow import phases
from payouts_pipeline.workflow.publish import Phase
from payouts_tests.bench.installation import DAY, SETTLED, make_league, parts
from payouts_tests.bench.settlement import THREADS, account, client, start_emulator_over, topology_of
from payouts_tests.support.leagues import SYDNEY

FEES = int(os.environ.get("PAYOUTS_BENCH_FEES", "100000"))
FEES_PER_PLAYER = 2.5
TIMES = 3
# The emulator settles some hundred in a second.
SETTLED_CHARGES = (1_000, 20_000)
_KIND = [BillingType.PLAYER_CHARGE]


def run() -> None:
    """Print the peaks."""
    print("\nThe most memory of a process, for a day of so many fees from the snapshot to its payouts")
    peaks = [_peak_of_day(fees) for fees in (FEES, TIMES * FEES)]
    print(f"  {TIMES} times the fees take {peaks[1] / peaks[0]:.2f} times the memory")
    print("The most memory of a process that settles so many charges")
    for charges in SETTLED_CHARGES:
        with parts("postgres", "aws", "stripe") as environment:
            make_league(environment, charges, fees_per_player=1)
            _in_a_process(_open, environment)
            start_emulator_over(environment, charges)
            print(f"  {charges:9,} charges {_in_a_process(_settle, environment, topology_of(environment)):6.0f} MiB")


def _peak_of_day(fees: int) -> float:
    with parts("postgres") as environment:
        make_league(environment, fees, FEES_PER_PLAYER)
        peak_mib = _in_a_process(_open, environment)
    print(f"  {fees:9,} fees {peak_mib:6.0f} MiB")
    return peak_mib


def _in_a_process(work: Callable[..., None], *arguments: object) -> float:
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_peak_mib, work, *arguments).result()


def _peak_mib(work: Callable[..., None], *arguments: object) -> float:
    """By the kernel's own note (Linux): what `getrusage` says begins with what the parent had."""
    work(*arguments)
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(peak.split()[1]) / 2**10


def _open(environment: Mapping[str, str]) -> None:
    """What the assets and their checks do, with a provider that takes no time."""
    url = environment["PAYOUTS_DATABASE_URL"]
    with (
        open_connection(url) as ledger,
        open_connection(url) as source,
        TemporaryDirectory(prefix="payouts-bench-") as folder,
    ):
        matches = _stored(folder, "matches", reader.fees_of_day(source, DAY, SYDNEY))
        metadata.of_fees(matches)
        MATCHES.of(MatchesOfDay(DAY, SYDNEY, source, matches))
        splits = _stored(folder, "splits", split(matches))
        metadata.of_splits(splits)
        SPLITS.of(SplitsOfDay(matches, splits))
        phases.open_charges(ledger, source, DAY, splits, "bench")
        COLLECTED_FEES.of(ChargesOfDay(DAY, ledger, splits))
        for statement in SETTLED:
            ledger.execute(statement)
        phases.open_payouts(ledger, source, DAY, {}, "bench")


def _stored(folder: str, asset: str, made: Batches) -> Batches:
    files, path = ParquetFiles(UPath(folder)), UPath(folder) / f"{asset}.parquet"
    context = cast("Any", SimpleNamespace(asset_key=dg.AssetKey(asset)))
    files.dump_to_path(context, made, path)
    return files.load_from_path(context, path)


def _settle(environment: Mapping[str, str], topology: Topology) -> None:
    url = environment["PAYOUTS_DATABASE_URL"]
    with open_connection(url) as ledger, settlement(url, account(environment), THREADS) as settling:
        phase = Phase(ledger, client("sns", environment), topology, DAY, _KIND, "bench", lambda _: None)
        sqs = client("sqs", environment)
        phase.settle(lambda: settling.pool(sqs, topology, _KIND), timedelta(minutes=5))
        statuses = ledger.execute("select distinct status from payouts.instructions").fetchall()
    assert statuses == [("settled",)], statuses
