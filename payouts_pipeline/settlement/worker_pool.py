"""Worker threads on the queues: in a Dagster run, or in a `payouts worker` process.

A few loops for each queue receive, claim, record and delete in batches; the calls of all loops share one pool of
threads, since waiting for the provider is what takes the time.
"""

import logging
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import psycopg

from payouts_pipeline.aws.errors import AwsError
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.settlement import messages
from payouts_pipeline.settlement.messages import Message
from payouts_pipeline.settlement.stripe_client import StripeAwayError
from payouts_pipeline.settlement.topology import Topology
from payouts_pipeline.settlement.visibility import InHand
from payouts_pipeline.settlement.worker import Worker

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

log = logging.getLogger(__name__)

# How long a question for messages waits for one. A run's own workers are to end the moment that nothing of its phase is
# open, and so ask anew after a rest that can be broken off; those that stay ask less often, since each question costs.
RUN_WAIT_S = 0
DRAINING_WAIT_S = 1
STAYING_WAIT_S = 5
_REST_S = 0.1
_PAUSE_S = 1.0
_FAILURES_IN_A_ROW = 30


def _batch_size(threads: int) -> int:
    """How many messages are received at once: any queue may have all the work."""
    return min(messages.BATCH_SIZE, threads)


def loops_per_queue(threads: int) -> int:
    """How many loops keep so many threads busy: one batch more is received while the calls of the others are made."""
    return -(-threads // _batch_size(threads)) + 1


class WorkerPool:
    """A worker on the queues of some billing types. Leaving the context lets each loop finish its batch."""

    def __init__(
        self,
        worker: Worker,
        sqs: "SQSClient",
        topology: Topology,
        billing_types: Sequence[BillingType],
        threads: int,
        wait_s: int = RUN_WAIT_S,
    ) -> None:
        self._worker = worker
        self._sqs = sqs
        self._topology = topology
        self._batch = _batch_size(threads)
        self._wait_s = wait_s
        self._in_hand = InHand(sqs)
        self._context = ExitStack()
        self._stopping = threading.Event()
        self._asking = {billing_type: threading.Lock() for billing_type in billing_types}
        self._failure: PayoutsError | None = None
        self._loops = [
            threading.Thread(target=self._run, args=(billing_type,), name=f"worker-{billing_type}-{number}")
            for billing_type, number in product(billing_types, range(loops_per_queue(threads)))
        ]
        self._drain = False

    def __enter__(self) -> Self:
        self._context.enter_context(self._in_hand.extended())
        for loop in self._loops:
            loop.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for loop in self._loops:
            loop.join()
        self._context.close()

    def stop(self) -> None:
        """Take no new messages; what is in hand is finished."""
        self._stopping.set()

    def drain(self) -> None:
        """Go on until the queues are empty, and then no more."""
        self._drain = True

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until all loops have ended; whether they have, in time. Raises what made them end."""
        ends_at_s = None if timeout_s is None else time.monotonic() + timeout_s
        for loop in self._loops:
            loop.join(None if ends_at_s is None else max(0.0, ends_at_s - time.monotonic()))
        self.check()
        return not any(loop.is_alive() for loop in self._loops)

    def give_back(self) -> int:
        """Let other workers have what is still in hand, once they may take it over; how many messages that are."""
        return self._in_hand.give_back(int(self._worker.lease_s) + 1)

    def check(self) -> None:
        """Raise PayoutsError if the workers had to give up, or must not send anything more."""
        if self._failure:
            raise self._failure
        self._worker.brake.check()

    def _run(self, billing_type: BillingType) -> None:
        """One loop: until it is told to stop, has nothing left to drain, or fails too often in a row."""
        failures = 0
        while not self._stopping.is_set():
            try:
                self._worker.brake.check()
                if failures:
                    # A message that is received in vain ten times is dead.
                    self._worker.require_ledger()
                if not self._work(billing_type) and self._drain:
                    return
                failures = 0
            except (psycopg.OperationalError, AwsError, StripeAwayError) as error:
                failures += 1
                self._report(error, failures)
                self._stopping.wait(_PAUSE_S)
            except PayoutsError as error:
                self._give_up(error)
            except Exception as error:
                self._give_up(
                    PayoutsError(f"A settlement worker stopped ({_where(error)}): nothing is lost, run again.")
                )

    def _work(self, billing_type: BillingType) -> int:
        """Receive a batch, settle it, delete what is done with; how many messages there were."""
        queue_url = self._topology.queue_urls[billing_type]
        received = self._receive(billing_type, queue_url)
        if received:
            with self._in_hand.keep(queue_url, received):
                batch = self._worker.process(received, billing_type)
            messages.delete(self._sqs, queue_url, [message.receipt_handle for message in batch.done])
        return len(received)

    def _receive(self, billing_type: BillingType, queue_url: str) -> list[Message]:
        """A batch, as soon as there is one; without waiting for it, one loop at a time asks and rests for all."""
        if self._wait_s:
            return messages.receive(self._sqs, queue_url, self._wait_s, self._batch)
        with self._asking[billing_type]:
            if self._stopping.is_set():
                return []
            received = messages.receive(self._sqs, queue_url, 0, self._batch)
            if not received:
                self._stopping.wait(_REST_S)
            return received

    def _report(self, error: Exception, failures: int) -> None:
        log.warning("a worker will try again: %s", str(error).strip().splitlines()[0])
        if failures == _FAILURES_IN_A_ROW:
            self._give_up(PayoutsError(f"The settlement workers gave up after {failures} failures: {error}"))

    def _give_up(self, failure: PayoutsError) -> None:
        self._failure = failure
        self._stopping.set()


def _where(error: Exception) -> str:
    """What kind of error it was, and on which line; its text may hold personal data."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {last.name}, {Path(last.filename).name}:{last.lineno}"
