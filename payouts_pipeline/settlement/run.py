"""Brings a day's instructions as far as they come today: publish, let the workers settle, wait, publish on."""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.ledger import outbox
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settlement.fleet import Fleet
from payouts_pipeline.settlement.messages import Pointer, publish_batches
from payouts_pipeline.settlement.topology import Topology

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

# The local emulator's queue slows down with its depth, and what is published last waits longest.
_UNDER_WAY_LIMIT = 1_000
_PUBLISH_THREADS = 4
_POLL_S = 0.1
_REPORT_EVERY_S = 5.0
# A run stays for an unknown outcome that is asked for again this soon, and leaves the others to a later one.
_PATIENCE = timedelta(seconds=10)
# A message that nobody has taken for so long is published again: it may be lost.
_LOST_AFTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Stage:
    """One day's instructions of some billing types, and what it takes to move them."""

    connection: Connection
    sns: "SNSClient"
    topology: Topology
    day: date
    billing_types: Sequence[BillingType]
    actor: str
    report: Callable[[str], None]

    def settle(self, fleet: Callable[[], Fleet] | None, timeout: timedelta) -> int:
        """Publish, and wait until nothing moves any more; how many messages were published.

        Without workers of its own (``fleet``) it waits for others, at most ``timeout``. What stays open is no
        failure: it is shown with its reason, and the next materialisation of the day goes on from there.
        """
        if self._is_quiet():
            return 0
        with fleet() if fleet else nullcontext() as own:
            # Whatever was published before this run started its workers has no worker any more.
            published = self._publish(timedelta(0) if own else _LOST_AFTER)
            deadline = time.monotonic() + timeout.total_seconds()
            next_report = time.monotonic() + _REPORT_EVERY_S
            while not self._is_quiet() and time.monotonic() < deadline:
                time.sleep(_POLL_S)
                if own:
                    own.check()
                published += self._publish(_LOST_AFTER)
                if time.monotonic() > next_report:
                    self.report(f"{self.day}: {published} messages published, {self._moving()} under way")
                    next_report += _REPORT_EVERY_S
        return published

    def _publish(self, lost_after: timedelta) -> int:
        """Publish as much as may be under way at once; each batch is noted as soon as the bus has it."""
        limit = _UNDER_WAY_LIMIT - self._moving()
        due = outbox.to_publish(self.connection, self.day, self.billing_types, limit, lost_after)
        pointers = [Pointer(instruction_id, billing_type) for instruction_id, billing_type in due]
        published = 0
        for batch in publish_batches(self.sns, self.topology.topic_arn, pointers, _PUBLISH_THREADS):
            outbox.mark_published(self.connection, batch.published, self.actor)
            published += len(batch.published)
            for reason in set(batch.failed.values()):
                self.report(f"{self.day}: SNS did not take a message ({reason}); it is published again")
        return published

    def _moving(self) -> int:
        return self._under_way().moving

    def _under_way(self) -> outbox.UnderWay:
        return outbox.under_way(self.connection, self.day, self.billing_types, _PATIENCE)

    def _is_quiet(self) -> bool:
        """Whether nothing of the stage moves on by itself soon."""
        under_way = self._under_way()
        if under_way.moving or under_way.unknown_soon:
            return False
        return outbox.is_empty(self.connection, self.day, self.billing_types)
