"""Two faults in a row: one in the day, another in its recovery. Too many for every run: ``make test-crash``."""

import os
import random
from collections.abc import Callable
from concurrent.futures import Future
from itertools import product

import pytest

from payouts_tests.crash.faults import OCCURRENCES, Fault, faults_of
from payouts_tests.crash.lanes import Lanes, Result

_SEED = int(os.environ.get("CRASH_SEED", "1"))
_SAMPLE = int(os.environ.get("CRASH_PAIRS", "900"))

Pair = tuple[Fault, Fault]


def _all_pairs() -> list[Pair]:
    """Each kind of fault at its first occurrence; one that lasts for a day takes too long to be had so often."""
    firsts = {(fault.effect, fault.how): fault for fault in reversed(faults_of(OCCURRENCES))}
    quick = sorted((fault for fault in firsts.values() if fault.how != "stored_500"), key=str)
    return list(product(quick, quick))


ALL_PAIRS = _all_pairs()
PAIRS = random.Random(_SEED).sample(ALL_PAIRS, min(_SAMPLE, len(ALL_PAIRS)))


def _name(pair: Pair) -> str:
    return f"{pair[0]} then {pair[1]}"


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest, lanes: Lanes) -> dict[str, "Future[Result]"]:
    """The pairs that this session has selected, under way side by side."""
    chosen = [item.callspec.params.get("pair") for item in request.session.items if hasattr(item, "callspec")]
    return {_name(pair): lanes.pool.submit(lanes.run, pair) for pair in chosen if pair}


@pytest.mark.crash
@pytest.mark.parametrize("pair", PAIRS, ids=_name)
def test_everyone_is_paid_exactly_once_after(
    pair: Pair, results: dict[str, "Future[Result]"], record_property: "Callable[[str, object], None]"
) -> None:
    result = results[_name(pair)].result()
    assert result.wrong == {}
    # The second one may have nothing left to spoil.
    assert result.occurred[0]
    record_property("both", all(result.occurred))
