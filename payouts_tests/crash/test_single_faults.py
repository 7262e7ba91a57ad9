"""Each effect of a day, with the process killed before it, after it, and with its answer lost or another's."""

from concurrent.futures import Future

import pytest

from payouts_pipeline.failpoints import Failpoint
from payouts_tests.crash.faults import (
    OCCURRENCES,
    OCCURRENCES_IN_GIVING_BACK,
    OCCURRENCES_IN_RECOVERY,
    OCCURRENCES_IN_SYNC,
    OCCURRENCES_IN_SYNC_WHEN_PENDING,
    Fault,
    faults_of,
)
from payouts_tests.crash.lanes import Lanes, Result


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest, lanes: Lanes) -> dict[str, "Future[Result]"]:
    """The cases that this session has selected, under way side by side."""
    chosen = [item.callspec.params.get("fault") for item in request.session.items if hasattr(item, "callspec")]
    faults = [fault for fault in chosen if isinstance(fault, Fault)]
    return {str(fault): lanes.pool.submit(lanes.run, [fault]) for fault in faults}


def test_a_day_has_every_effect_and_no_other(lanes: Lanes) -> None:
    assert set(lanes.occurrences) == set(OCCURRENCES)
    beside_a_day = (
        OCCURRENCES_IN_RECOVERY,
        OCCURRENCES_IN_SYNC,
        OCCURRENCES_IN_SYNC_WHEN_PENDING,
        OCCURRENCES_IN_GIVING_BACK,
    )
    assert set(OCCURRENCES).union(*beside_a_day) == set(Failpoint)
    assert all(lanes.occurrences[effect] >= count for effect, count in OCCURRENCES.items()), lanes.occurrences


def test_a_day_without_faults_is_quiet_after_one_materialisation(lanes: Lanes) -> None:
    assert lanes.run([]).wrong == {}


@pytest.mark.parametrize("fault", faults_of(OCCURRENCES), ids=str)
def test_everyone_is_paid_exactly_once_after(fault: Fault, results: dict[str, "Future[Result]"]) -> None:
    result = results[str(fault)].result()
    assert result.wrong == {}
    assert result.occurred == [True]
