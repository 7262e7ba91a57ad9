"""A refund and a reversal killed at each of their effects: each is given back once, and booked once."""

from concurrent.futures import Future

import pytest

from payouts_tests.crash.faults import OCCURRENCES_IN_GIVING_BACK, Fault, faults_of
from payouts_tests.crash.lanes import Lanes, Result


@pytest.fixture(scope="session")
def given_back(request: pytest.FixtureRequest, lanes: Lanes) -> dict[str, "Future[Result]"]:
    """The cases that this session has selected, under way side by side."""
    chosen = [item.callspec.params.get("of_order") for item in request.session.items if hasattr(item, "callspec")]
    return {str(fault): lanes.pool.submit(lanes.run_given_back, fault) for fault in chosen if isinstance(fault, Fault)}


def test_giving_back_has_every_effect(lanes: Lanes) -> None:
    assert all(lanes.occurrences_in_giving_back[effect] >= n for effect, n in OCCURRENCES_IN_GIVING_BACK.items())


def test_what_is_given_back_without_faults_is_right(lanes: Lanes) -> None:
    assert lanes.run_given_back(None).wrong == {}


@pytest.mark.parametrize("of_order", faults_of(OCCURRENCES_IN_GIVING_BACK), ids=str)
def test_each_is_given_back_once_after(of_order: Fault, given_back: dict[str, "Future[Result]"]) -> None:
    result = given_back[str(of_order)].result()
    assert result.wrong == {}
    assert result.occurred == [True]
