"""Tests the tests: ``make test-mutants`` takes each guard out of a copy of the tree and expects tests to fail there."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from payouts_tests.mutants.guards import GUARDS, Guard

_TREE = Path(__file__).resolve().parents[2]
_COPIED = ("payouts_pipeline", "payouts_tests", "pyproject.toml", "dagster.yaml", "workspace.yaml", "README.md")
# Code without its guard may wait for ever, which is noticed too.
_HANGS = "--timeout=300"
_TIMEOUT_S = 900
# Tests ran and some failed; code that can't be imported ends otherwise, and proves nothing.
_TESTS_FAILED = 1


def main(names: Sequence[str]) -> int:
    """Try every guard, or those whose name contains one of the words; 0 if each removal was noticed."""
    chosen = [guard for guard in GUARDS if not names or any(name in guard.name for name in names)]
    tests = sorted({test for guard in chosen for test in guard.noticed_by})
    with _copied_tree() as tree:
        code, last_line = _pytest(tree, tests)
    if code:
        print(f"The tests must pass while all guards are there, but: {last_line}")
        return 1
    caught = [_report(guard) for guard in chosen]
    print(f"caught {sum(caught)} of {len(caught)}")
    return 0 if all(caught) else 1


def _report(guard: Guard) -> bool:
    started = time.monotonic()
    problem = _problem(guard)
    print(f"{'MISSED' if problem else 'caught'}  {guard.name} ({time.monotonic() - started:.0f} s)", flush=True)
    if problem:
        print(f"        {problem}", flush=True)
    return not problem


def _problem(guard: Guard) -> str | None:
    """Why the guard's removal was not noticed; None if it was."""
    with _copied_tree() as tree:
        file = tree / guard.file
        text = file.read_text("utf-8")
        if text.count(guard.old) != 1:
            return f"its text stands {text.count(guard.old)} times in {guard.file}: bring guards.py up to date"
        file.write_text(text.replace(guard.old, guard.new), "utf-8")
        code, last_line = _pytest(tree, guard.noticed_by)
    return None if code == _TESTS_FAILED else f"{' '.join(guard.noticed_by)} ended with {code}: {last_line}"


def _pytest(tree: Path, tests: Sequence[str]) -> tuple[int, str]:
    """The exit code and the last line of the tests in that tree."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=line", _HANGS, *tests]
    try:
        # Also what tests start as a process of its own is to run in the copy, and not in what is installed.
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        run = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return -1, f"no end within {_TIMEOUT_S} s"
    return run.returncode, (run.stdout.strip().splitlines() or ["no output"])[-1]


@contextmanager
def _copied_tree() -> Iterator[Path]:
    with TemporaryDirectory(prefix="payouts-mutant-") as folder:
        _copy(Path(folder))
        yield Path(folder)


def _copy(tree: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    for name in _COPIED:
        source = _TREE / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=ignored)
        elif source.exists():
            shutil.copy(source, tree / name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
