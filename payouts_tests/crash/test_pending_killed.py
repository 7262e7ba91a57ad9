"""A day whose money is pending, killed where payouts are made to wait and where it is said until when.

Everyone is paid exactly once when the money is there, and Stripe never refuses a transfer.
"""

from concurrent.futures import Future

import pytest

from payouts_tests.crash.faults import OCCURRENCES_IN_SYNC_WHEN_PENDING, OCCURRENCES_WHEN_PENDING, Fault, faults_of
from payouts_tests.crash.lanes import Lanes, Result


@pytest.fixture(scope="session")
def pending(request: pytest.FixtureRequest, lanes: Lanes) -> dict[str, "Future[Result]"]:
    """The cases that this session has selected, under way side by side."""
    params = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    of_day = {
        each["of_day"]: lanes.pool.submit(lanes.run_pending, each["of_day"]) for each in params if "of_day" in each
    }
    of_sync = {
        each["of_sync_pending"]: lanes.pool.submit(lanes.run_pending, None, each["of_sync_pending"])
        for each in params
        if "of_sync_pending" in each
    }
    return {str(fault): result for fault, result in (of_day | of_sync).items()}


def test_a_day_whose_money_is_pending_is_paid_once_that_is_there(lanes: Lanes) -> None:
    assert lanes.run_pending().wrong == {}


@pytest.mark.parametrize("of_day", faults_of(OCCURRENCES_WHEN_PENDING), ids=str)
def test_payouts_wait_and_are_paid_after(of_day: Fault, pending: dict[str, "Future[Result]"]) -> None:
    result = pending[str(of_day)].result()
    assert result.wrong == {}
    assert result.occurred == [True]


@pytest.mark.parametrize("of_sync_pending", faults_of(OCCURRENCES_IN_SYNC_WHEN_PENDING), ids=str)
def test_payouts_that_wait_are_paid_after(of_sync_pending: Fault, pending: dict[str, "Future[Result]"]) -> None:
    result = pending[str(of_sync_pending)].result()
    assert result.wrong == {}
    assert result.occurred == [True]
