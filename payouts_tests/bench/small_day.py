"""`payouts run` of a day that is settled, held against a plain Dagster run of four assets that do nothing.

Both in processes of their own on one instance, as somebody waits for them. The rest is what the plain run takes before
it has done anything: to import Dagster and to open its instance.
"""

import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from dotenv import dotenv_values

from payouts_pipeline.domain.calendar import yesterday
from payouts_pipeline.local.environment import project_dir
from payouts_pipeline.settings import Calendar
from payouts_tests.support.command_line import plain

PAIRS = 3
PAYOUTS = str(Path(sys.executable).with_name("payouts"))
TRIVIAL = [sys.executable, "-m", "payouts_tests.bench.four_trivial_assets"]


@dataclass(frozen=True)
class Took:
    """Seconds of a process, by the clock and of the processor; what else runs on the machine counts in the first."""

    wall_s: float
    cpu_s: float


def run() -> None:
    """Print both ratios."""
    print("\nA settled day materialised again, against a plain Dagster run of four assets that do nothing")
    day = str(yesterday(datetime.now(UTC), Calendar.from_environment().timezone))
    with installation() as folder:
        took(folder, [PAYOUTS, "run", day])
        own = own_environment(folder)
        rounds = [_round(folder, own, day) for _ in range(PAIRS)]
    for what, number in (("plain run", 1), ("imports and instance of that alone", 2)):
        walls = [each[0].wall_s / each[number].wall_s for each in rounds]
        cpus = [each[0].cpu_s / each[number].cpu_s for each in rounds]
        print(f"  to the {what}: {median(walls):.2f}; processor time {median(cpus):.2f}   (median of {PAIRS})")


def _round(folder: Path, own: Mapping[str, str], day: str) -> tuple[Took, Took, Took]:
    """Ours, the plain run, and what it takes before it does anything."""
    trivial = took(folder, [*TRIVIAL, day], own)
    ours = took(folder, [PAYOUTS, "run", day])
    bare = took(folder, TRIVIAL, own)
    print("  " + "   ".join(f"{each.wall_s:.2f} s ({each.cpu_s:.2f} s)" for each in (ours, trivial, bare)))
    return ours, trivial, bare


@contextmanager
def installation() -> Iterator[Path]:
    """A folder of its own, with embedded parts that run and a sample season."""
    with TemporaryDirectory(prefix="payouts-bench-") as name:
        folder = Path(name)
        shutil.copyfile(project_dir() / "dagster.yaml", folder / "dagster.yaml")
        try:
            took(folder, [PAYOUTS, "up"])
            yield folder
        finally:
            took(folder, [PAYOUTS, "down"])


def own_environment(folder: Path) -> Mapping[str, str]:
    """What `payouts up` has written for other programs."""
    return {name: value for name, value in dotenv_values(folder / ".env").items() if value is not None}


def took(folder: Path, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Took:
    """Run a command in such a folder to its end."""
    cpu_s, started_s = _cpu_of_children_s(), time.perf_counter()
    subprocess.run(command, cwd=folder, env={**plain(), **(environment or {})}, capture_output=True, check=True)
    return Took(time.perf_counter() - started_s, _cpu_of_children_s() - cpu_s)


def _cpu_of_children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
