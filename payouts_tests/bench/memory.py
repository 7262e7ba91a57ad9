"""The most memory that a process takes to open a small and a large day, and to settle them with workers of its own."""

from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import reader
from payouts_pipeline.ledger.database import open_connection
from payouts_pipeline.settlement.assemble import settlement
from payouts_pipeline.settlement.topology import Topology
from payouts_pipeline.workflow import phases
from payouts_pipeline.workflow.publish import Phase
from payouts_tests.bench.installation import DAY, make_league, parts
from payouts_tests.bench.settlement import THREADS, account, client, start_emulator_over, topology_of
from payouts_tests.support.leagues import SYDNEY

# The emulator settles some hundred in a second, so that the largest day is opened only.
OPENED = (1_000, 100_000)
SETTLED = (1_000, 20_000)
_KIND = [BillingType.PLAYER_CHARGE]


def run() -> None:
    """Print the peaks."""
    print("\nThe most memory of a process, for a day of so many charges")
    for charges in sorted({*OPENED, *SETTLED}):
        with parts("postgres", "aws", "stripe") as environment:
            make_league(environment, charges, fees_per_player=1)
            print(f"  {charges:7,} charges, booked and made {_in_a_process(_open, environment):6.0f} MiB")
            if charges in SETTLED:
                start_emulator_over(environment, charges)
                topology = topology_of(environment)
                peak_mib = _in_a_process(_settle, environment, topology)
                print(f"  {charges:7,} charges, settled         {peak_mib:6.0f} MiB")


def _in_a_process(work: Callable[..., None], *arguments: object) -> float:
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_peak_mib, work, *arguments).result()


def _peak_mib(work: Callable[..., None], *arguments: object) -> float:
    """By the kernel's own note (Linux): what `getrusage` says begins with what the parent had."""
    work(*arguments)
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(peak.split()[1]) / 2**10


def _open(environment: Mapping[str, str]) -> None:
    url = environment["PAYOUTS_DATABASE_URL"]
    with open_connection(url) as ledger, open_connection(url) as source:
        phases.open_charges(ledger, source, DAY, split(reader.fees_of_day(source, DAY, SYDNEY)), "bench")


def _settle(environment: Mapping[str, str], topology: Topology) -> None:
    url = environment["PAYOUTS_DATABASE_URL"]
    with open_connection(url) as ledger, settlement(url, account(environment), THREADS) as settling:
        phase = Phase(ledger, client("sns", environment), topology, DAY, _KIND, "bench", lambda _: None)
        sqs = client("sqs", environment)
        phase.settle(lambda: settling.pool(sqs, topology, _KIND), timedelta(minutes=5))
        statuses = ledger.execute("select distinct status from payouts.instructions").fetchall()
    assert statuses == [("settled",)], statuses
