"""`payouts sync` killed at each of its effects: every line of Stripe's journal is entered once, and balances agree."""

from concurrent.futures import Future

import pytest

from payouts_tests.crash.faults import OCCURRENCES_IN_SYNC, Fault, faults_of
from payouts_tests.crash.lanes import Lanes, Result


@pytest.fixture(scope="session")
def synced(request: pytest.FixtureRequest, lanes: Lanes) -> dict[str, "Future[Result]"]:
    """The cases that this session has selected, under way side by side."""
    chosen = [item.callspec.params.get("of_sync") for item in request.session.items if hasattr(item, "callspec")]
    return {str(fault): lanes.pool.submit(lanes.run_synced, fault) for fault in chosen if isinstance(fault, Fault)}


def test_a_sync_has_every_effect_and_no_other(lanes: Lanes) -> None:
    assert set(lanes.occurrences_in_sync) == set(OCCURRENCES_IN_SYNC)
    assert all(lanes.occurrences_in_sync[effect] >= n for effect, n in OCCURRENCES_IN_SYNC.items())


def test_a_sync_without_faults_has_the_books_right(lanes: Lanes) -> None:
    assert lanes.run_synced(None).wrong == {}


@pytest.mark.parametrize("of_sync", faults_of(OCCURRENCES_IN_SYNC), ids=str)
def test_every_line_is_entered_once_after(of_sync: Fault, synced: dict[str, "Future[Result]"]) -> None:
    result = synced[str(of_sync)].result()
    assert result.wrong == {}
    assert result.occurred == [True]
