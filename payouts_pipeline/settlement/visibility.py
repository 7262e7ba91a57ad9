"""The messages that a process works on, kept from other workers for as long as that takes."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from payouts_pipeline.aws.errors import AwsError
from payouts_pipeline.settlement import messages
from payouts_pipeline.settlement.messages import Message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

log = logging.getLogger(__name__)

# What the template hides a received message for; a batch that takes longer is hidden again in time.
HIDDEN_FOR_S = 75
_EXTEND_EVERY_S = HIDDEN_FOR_S / 3


class InHand:
    """What was received and is not done with, by queue. Safe to share between threads."""

    def __init__(self, sqs: "SQSClient", hidden_for_s: int = HIDDEN_FOR_S, every_s: float = _EXTEND_EVERY_S) -> None:
        self._sqs = sqs
        self._hidden_for_s = hidden_for_s
        self._every_s = every_s
        self._lock = threading.Lock()
        self._receipts: dict[str, dict[str, None]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._extend, name="visibility", daemon=True)

    @contextmanager
    def extended(self) -> Iterator[None]:
        """Extend the time of what is in hand, again and again, within the context."""
        self._thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._thread.join()

    @contextmanager
    def keep(self, queue_url: str, received: Sequence[Message]) -> Iterator[None]:
        """Have the messages in hand within the context."""
        receipts = [message.receipt_handle for message in received]
        with self._lock:
            self._receipts.setdefault(queue_url, {}).update(dict.fromkeys(receipts))
        try:
            yield
        finally:
            with self._lock:
                for receipt in receipts:
                    self._receipts[queue_url].pop(receipt)

    def give_back(self, after_s: int) -> int:
        """Let other workers see what is in hand after so many seconds; how many messages that are."""
        return self._show_after(after_s)

    def _extend(self) -> None:
        while not self._ended.wait(self._every_s):
            try:
                self._show_after(self._hidden_for_s)
            except AwsError as error:
                log.warning("the time of messages in hand could not be extended: %s", error)

    def _show_after(self, delay_s: int) -> int:
        with self._lock:
            in_hand = {queue_url: list(receipts) for queue_url, receipts in self._receipts.items() if receipts}
        for queue_url, receipts in in_hand.items():
            messages.set_visibility(self._sqs, queue_url, receipts, delay_s)
        return sum(map(len, in_hand.values()))
