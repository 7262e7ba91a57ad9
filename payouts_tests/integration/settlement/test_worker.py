"""The worker's core in this process: what it does for messages that are not its own is nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from uuid import UUID, uuid4

import pytest

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settlement.messages import Message, body
from payouts_pipeline.settlement.stripe_client import StripeClient
from payouts_pipeline.settlement.worker import Worker
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import book, fingerprint, ids
from payouts_tests.support.trust import TRUSTED


@pytest.fixture
def charge(ledger: Connection, source: Connection, league: League) -> UUID:
    league.fee(league.player(method="pm_1"), DAY)
    book(ledger, source, DAY)
    [charge] = ids(ledger)
    return charge


@pytest.fixture
def worker(ledger: Connection) -> Iterator[Worker]:
    """A worker whose provider nobody may call."""
    with ThreadPoolExecutor(1) as calls:
        yield Worker(
            lambda: nullcontext(ledger), StripeClient("sk_test_none", "http://127.0.0.1:9"), calls, TRUSTED, "worker"
        )


@pytest.mark.parametrize("foreign", ["of another queue", "of nobody", "not even a message"])
def test_what_does_not_belong_on_the_queue_is_left_there_and_nothing_is_done_for_it(
    ledger: Connection, worker: Worker, charge: UUID, foreign: str
) -> None:
    text = {"of another queue": body(charge), "of nobody": body(uuid4()), "not even a message": "pay club 17"}[foreign]
    before = fingerprint(ledger)
    message = Message("1", "receipt", text, 1, BillingType.CLUB_PAYOUT)
    batch = worker.process([message], BillingType.CLUB_PAYOUT)
    assert (batch.done, batch.unreadable) == ([], [message])
    assert fingerprint(ledger) == before
