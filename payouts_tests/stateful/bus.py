"""Topic and queues that do what SNS and SQS may do, when told to: lose, repeat, reorder and hold back messages."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.ledger import outbox
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settlement.messages import Message, body
from payouts_pipeline.settlement.worker import Worker

_LIMIT = 1_000


@dataclass
class Bus:
    """Messages that were published and not deleted yet."""

    queued: list[tuple[BillingType, Message]] = field(default_factory=list)
    published: int = 0
    dead_letters: int = 0
    _numbers: Iterable[int] = field(default_factory=itertools.count)

    def publish(
        self, ledger: Connection, day: date, kinds: Sequence[BillingType], lost_after: timedelta, *, dies: bool = False
    ) -> None:
        """What `settlement.run` does with the outbox; it can die before it has noted what it published."""
        due = outbox.to_publish(ledger, day, kinds, _LIMIT, lost_after)
        for instruction_id, billing_type in due.instructions:
            self.put(BillingType(billing_type), body(instruction_id))
        if not dies:
            outbox.mark_published(ledger, [each for each, _ in due.instructions], due.read_at, "publisher")

    def put(self, billing_type: BillingType, text: str) -> None:
        number = next(iter(self._numbers))
        self.queued.append((billing_type, Message(f"m{number}", f"r{number}", text, 1, billing_type)))
        self.published += 1

    def take(self, picks: Sequence[int]) -> list[tuple[BillingType, Message]]:
        """Messages by their numbers, counted around, each once; they stay queued."""
        chosen = {number % len(self.queued): None for number in picks} if self.queued else {}
        return [self.queued[position] for position in chosen]

    def lose(self, picks: Sequence[int]) -> None:
        for message in self.take(picks):
            self.queued.remove(message)

    def deliver(self, worker: Worker, messages: Sequence[tuple[BillingType, Message]], *, again: bool = False) -> None:
        """Let a worker process them, queue by queue; what is done is deleted, unless it is to come again."""
        for kind in BillingType:
            batch = [message for billing_type, message in messages if billing_type == kind]
            if batch:
                done = worker.process(batch, kind)
                self._delete(kind, done.unreadable)
                self.dead_letters += len(done.unreadable)
                if not again:
                    self._delete(kind, done.done)

    def _delete(self, kind: BillingType, messages: Iterable[Message]) -> None:
        for message in messages:
            if (kind, message) in self.queued:
                self.queued.remove((kind, message))
