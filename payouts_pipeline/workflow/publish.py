"""Brings a day's instructions as far as they come today: publish, let the workers settle, wait, publish on."""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.ledger import outbox
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settlement.messages import Pointer, publish_batches
from payouts_pipeline.settlement.topology import Topology
from payouts_pipeline.settlement.worker_pool import WorkerPool

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

# The local emulator's queue slows down with its depth, and what is published last waits longest. Workers that die have
# some of these in hand, which nobody else sees for a while.
_PUBLISHED_LIMIT = 2_000
_PUBLISH_THREADS = 4
_NOTED_AT_ONCE = 5
_POLL_S = 0.1
_REPORT_EVERY_S = 5.0


class _Patience:
    """How long a run still waits, and when it says again what for."""

    def __init__(self, timeout: timedelta) -> None:
        self._timeout_s = timeout.total_seconds()
        self._ends_at_s = time.monotonic() + self._timeout_s
        self._reports_at_s = time.monotonic() + _REPORT_EVERY_S
        self._seen: object = None

    def renew_if_changed(self, state: object) -> None:
        """Wait anew when something has moved."""
        if state != self._seen:
            self._seen = state
            self._ends_at_s = time.monotonic() + self._timeout_s

    def is_over(self) -> bool:
        """Whether nothing came in time."""
        return time.monotonic() > self._ends_at_s

    def wants_report(self) -> bool:
        """Whether it is time to say something, every few seconds."""
        if time.monotonic() < self._reports_at_s:
            return False
        self._reports_at_s = time.monotonic() + _REPORT_EVERY_S
        return True


@dataclass(frozen=True)
class Phase:
    """One day's instructions of some billing types, and what it takes to move them."""

    connection: Connection
    sns: "SNSClient"
    topology: Topology
    day: date
    billing_types: Sequence[BillingType]
    actor: str
    report: Callable[[str], None]

    def settle(self, workers: Callable[[], WorkerPool] | None, timeout: timedelta) -> int:
        """Publish, and wait until nothing moves any more; how many messages were published.

        With ``workers`` of its own it continues for as long as something changes within ``timeout``; without
        them it waits for others, that long in all. What stays open is no failure: it is shown with its reason, and
        the next materialisation of the day continues from there.

        Raises PayoutsError where its workers gave up, or stopped sending (`settlement.brake`).
        """
        seen = self._in_progress()
        if self._is_quiet(seen):
            return 0
        with workers() if workers else nullcontext() as own:
            # Whatever was published before this run started its workers has no worker any more.
            published = self._publish(seen, timedelta(0) if own else outbox.LOST_AFTER)
            patience = _Patience(timeout)
            while not self._is_quiet(seen := self._in_progress()) and not patience.is_over():
                time.sleep(_POLL_S)
                if own:
                    own.check()
                    patience.renew_if_changed((published, seen))
                published += self._publish(seen, outbox.LOST_AFTER)
                if patience.wants_report():
                    self.report(f"{self.day}: {published} messages published, {seen.moving} in progress")
            if own:
                own.check()
        return published

    def _publish(self, seen: outbox.InProgress, lost_after: timedelta) -> int:
        """Publish as much as may be on the bus at once; a few batches at a time are noted once the bus has them.

        Since it was ``seen`` what is in progress, that can only have become less.
        """
        limit = _PUBLISHED_LIMIT - seen.published
        due = outbox.to_publish(self.connection, self.day, self.billing_types, limit, lost_after)
        pointers = [Pointer(instruction_id, billing_type) for instruction_id, billing_type in due.instructions]
        published = 0
        batches = publish_batches(self.sns, self.topology.topic_arn, pointers, _PUBLISH_THREADS)
        while some := list(islice(batches, _NOTED_AT_ONCE)):
            taken = [instruction_id for batch in some for instruction_id in batch.published]
            outbox.mark_published(self.connection, taken, due.read_at, self.actor)
            published += len(taken)
            for reason in {reason for batch in some for reason in batch.failed.values()}:
                self.report(f"{self.day}: SNS did not take a message ({reason}); it is published again")
        return published

    def _in_progress(self) -> outbox.InProgress:
        return outbox.in_progress(self.connection, self.day, self.billing_types)

    def _is_quiet(self, seen: outbox.InProgress) -> bool:
        """Whether nothing of the phase moves on automatically soon."""
        return not seen.moves_on and outbox.is_empty(self.connection, self.day, self.billing_types)
