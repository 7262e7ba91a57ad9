"""The lanes on which the cases of a session run, and how many cases there were."""

import os
from collections.abc import Iterator

import pytest

from payouts_pipeline.ledger.database import Connection
from payouts_tests.crash.lanes import Lanes
from payouts_tests.crash.lanes import lanes as running_lanes

# Cases wait most of their time: for a lease to end, or for an answer that does not come.
_LANES = int(os.environ.get("CRASH_LANES", "4"))


@pytest.fixture(scope="session")
def lanes(
    admin: Connection, template: str, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lanes]:
    with running_lanes(postgres_url, template, tmp_path_factory.mktemp("crash"), _LANES) as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many pairs of how many were run, and in how many of them the second fault found something to spoil."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    pairs = [dict(report.user_properties) for report in reports if "test_pairs.py" in report.nodeid]
    if pairs:
        from payouts_tests.crash.test_pairs import ALL_PAIRS

        both = sum(bool(pair.get("both")) for pair in pairs)
        terminalreporter.write_line(
            f"{len(pairs)} of {len(ALL_PAIRS)} ordered pairs of faults run, in {both} of them both faults occurred"
        )
