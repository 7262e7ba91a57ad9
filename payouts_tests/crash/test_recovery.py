"""A ledger put back to before a day, with `payouts recover` killed at each of its effects: nothing moves twice."""

from concurrent.futures import Future

import pytest

from payouts_pipeline.failpoints import Failpoint
from payouts_tests.crash.faults import OCCURRENCES_IN_RECOVERY, Fault, faults_of
from payouts_tests.crash.lanes import Lanes, Result

# In the day after the recovery, whose instructions are found among the movements that were kept.
_THEN = [
    Fault(Failpoint.BOOK_DAY, "after"),
    Fault(Failpoint.CLAIM, "after"),
    Fault(Failpoint.RECORD_OUTCOMES, "before"),
    Fault(Failpoint.RECORD_OUTCOMES, "lost"),
]
CASES = [((fault,), ()) for fault in faults_of(OCCURRENCES_IN_RECOVERY)] + [((), (fault,)) for fault in _THEN]

Faults = tuple[tuple[Fault, ...], tuple[Fault, ...]]


def _name(case: Faults) -> str:
    return " then ".join(["recover", *map(str, case[0])] if case[0] else ["day", *map(str, case[1])])


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest, lanes: Lanes) -> dict[str, "Future[Result]"]:
    """The cases that this session has selected, under way side by side."""
    chosen = [item.callspec.params.get("case") for item in request.session.items if hasattr(item, "callspec")]
    return {_name(case): lanes.pool.submit(lanes.run_restored, *case) for case in chosen if case}


def test_a_recovery_has_every_effect_and_no_other(lanes: Lanes) -> None:
    assert set(lanes.occurrences_in_recovery) == set(OCCURRENCES_IN_RECOVERY)
    assert all(lanes.occurrences_in_recovery[effect] >= n for effect, n in OCCURRENCES_IN_RECOVERY.items())


def test_a_day_that_was_lost_is_found_again(lanes: Lanes) -> None:
    assert lanes.run_restored([]).wrong == {}


def test_nothing_is_sent_before_the_recovery(lanes: Lanes) -> None:
    with lanes.case() as case:
        case.recover()
        moved = case.lane.stripe.admin.journal()
        case.restore()
        with pytest.raises(AssertionError, match="restored from a backup"):
            case.recover()
        assert case.lane.stripe.admin.journal() == moved


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_everyone_is_paid_exactly_once_after(case: Faults, results: dict[str, "Future[Result]"]) -> None:
    result = results[_name(case)].result()
    assert result.wrong == {}
    assert result.occurred == [True]
