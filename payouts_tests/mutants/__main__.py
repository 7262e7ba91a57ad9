"""Tests the tests: ``make test-mutants`` takes each guard out of a copy of the tree and expects tests to fail there."""

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from payouts_tests.mutants.guards import GUARDS, Guard

_TREE = Path(__file__).resolve().parents[2]
_COPIED = ("payouts_pipeline", "payouts_tests", "pyproject.toml", "dagster.yaml", "workspace.yaml", "README.md")
_TIMEOUT_S = 300
# What pytest ends with when tests ran and some failed; a mutant that can't even be imported proves nothing.
_FAILED = 1


def main(names: Sequence[str]) -> int:
    """Try every guard, or those whose name contains one of the words; 0 if each was missed by a test."""
    chosen = [guard for guard in GUARDS if not names or any(name in guard.name for name in names)]
    caught = [_report(guard) for guard in chosen]
    print(f"caught {sum(caught)} of {len(caught)}")
    return 0 if all(caught) else 1


def _report(guard: Guard) -> bool:
    started = time.monotonic()
    problem = _problem(guard)
    print(f"{'caught' if not problem else 'MISSED'}  {guard.name} ({time.monotonic() - started:.0f} s)", flush=True)
    if problem:
        print(f"        {problem}", flush=True)
    return not problem


def _problem(guard: Guard) -> str | None:
    """Why the guard's removal was not caught; None if it was."""
    with TemporaryDirectory(prefix="payouts-mutant-") as folder:
        tree = Path(folder)
        _copy(tree)
        file = tree / guard.file
        text = file.read_text("utf-8")
        if text.count(guard.old) != 1:
            return f"its text stands {text.count(guard.old)} times in {guard.file}: bring guards.py up to date"
        file.write_text(text.replace(guard.old, guard.new), "utf-8")
        return _judged(tree, guard.noticed_by)


def _copy(tree: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    for name in _COPIED:
        source = _TREE / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=ignored)
        elif source.exists():
            shutil.copy(source, tree / name)


def _judged(tree: Path, tests: Sequence[str]) -> str | None:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=line", *tests]
    try:
        run = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"the tests did not end within {_TIMEOUT_S} s"
    lines = run.stdout.strip().splitlines() or ["no output"]
    if run.returncode != _FAILED or "failed" not in lines[-1]:
        return f"{' '.join(tests)} ended with {run.returncode}: {lines[-1]}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
