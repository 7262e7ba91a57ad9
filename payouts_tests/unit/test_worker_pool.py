"""A run's own workers: they end the moment that they are told to, and ask no more than they must."""

import threading
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.settlement import messages, worker_pool
from payouts_pipeline.settlement.topology import Topology
from payouts_pipeline.settlement.worker_pool import STAYING_WAIT_S, WorkerPool

_THREADS = 16
_KINDS = list(BillingType)
_TOPOLOGY = Topology("topic", {kind: str(kind) for kind in _KINDS}, {})


class EmptyQueues:
    """Queues without messages; notes how each was asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.asking: Counter[str] = Counter()
        self.most_at_once = 0
        self.waits: list[int] = []

    def receive(self, _: object, queue_url: str, wait_s: int, *__: object) -> list[messages.Message]:
        with self._lock:
            self.asking[queue_url] += 1
            self.most_at_once = max(self.most_at_once, self.asking[queue_url])
            self.waits.append(wait_s)
        time.sleep(0.01)
        with self._lock:
            self.asking[queue_url] -= 1
        return []


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> EmptyQueues:
    found = EmptyQueues()
    monkeypatch.setattr(messages, "receive", found.receive)
    return found


def pool(**options: Any) -> WorkerPool:
    worker = cast("Any", SimpleNamespace(brake=SimpleNamespace(check=lambda: None), lease_s=1))
    return WorkerPool(worker, cast("Any", None), _TOPOLOGY, _KINDS, _THREADS, **options)


def test_a_rest_is_broken_off_and_nothing_is_asked_after_it(
    queues: EmptyQueues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_pool, "_REST_S", 600)
    with pool():
        while len(queues.waits) < len(_KINDS):
            time.sleep(0.01)
    # The others of a queue were waiting for their turn.
    assert queues.waits == [0] * len(_KINDS)


def test_one_loop_of_a_queue_asks_at_a_time(queues: EmptyQueues, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_pool, "_REST_S", 0.001)
    with pool():
        while len(queues.waits) < 50:
            time.sleep(0.01)
    assert queues.most_at_once == 1


def test_who_stays_lets_the_queue_wait(queues: EmptyQueues) -> None:
    with pool(wait_s=STAYING_WAIT_S):
        while len(queues.waits) < len(_KINDS):
            time.sleep(0.01)
    assert set(queues.waits) == {STAYING_WAIT_S}
