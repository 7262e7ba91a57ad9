"""Dead letters: how many there are, why each died, and back to the topic with those whose cause is fixed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from payouts_pipeline.aws.errors import AwsError, aws_errors
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.ledger import attempts
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settlement import messages
from payouts_pipeline.settlement.messages import BadMessage, Message, Pointer
from payouts_pipeline.settlement.topology import Topology

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

# Long enough to look at all that died, before the first is shown to somebody else again.
_HIDDEN_FOR_S = 300
_MOVES_BY_ITSELF = (Status.PENDING, Status.PUBLISHED, Status.SENDING, Status.UNKNOWN)


class Fate(StrEnum):
    """What becomes of a dead letter."""

    REPUBLISHED = "published again"
    DELETED = "deleted"
    LEFT = "left"


@dataclass(frozen=True)
class DeadLetter:
    """A message that died on the queue of a billing type, why, and what becomes of it."""

    queue: BillingType
    message: Message
    why: str
    fate: Fate
    pointer: Pointer | None = None


Found = Mapping[UUID, tuple[BillingType, Status]]


def count_dead_letters(sqs: "SQSClient", topology: Topology) -> dict[BillingType, int]:
    """About how many messages are in the dead-letter queue of each billing type; raises `AwsError`."""
    counts = {}
    for billing_type, url in topology.dead_letter_urls.items():
        with aws_errors(sqs):
            answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        counts[billing_type] = int(answer["Attributes"]["ApproximateNumberOfMessages"])
    return counts


def redrive(
    ledger: Connection,
    sns: "SNSClient",
    sqs: "SQSClient",
    topology: Topology,
    billing_types: Iterable[BillingType],
    *,
    dry_run: bool,
) -> Iterator[DeadLetter]:
    """Judge every dead letter, and unless it is a dry run do with it what was judged; yields each.

    One is deleted only after the topic has taken it again: a crash in between doubles a message, which is harmless.
    """
    for queue in billing_types:
        url = topology.dead_letter_urls[queue]
        letters = _judged(ledger, queue, _received(sqs, url))
        left = letters if dry_run else [letter for letter in letters if letter.fate == Fate.LEFT]
        if not dry_run:
            _republish(sns, topology.topic_arn, letters)
            messages.delete(sqs, url, [each.message.receipt_handle for each in letters if each.fate != Fate.LEFT])
        messages.set_visibility(sqs, url, [letter.message.receipt_handle for letter in left])
        yield from letters


def _received(sqs: "SQSClient", url: str) -> list[Message]:
    """All that is on a dead-letter queue, each once."""
    seen: dict[str, Message] = {}
    while received := messages.receive(sqs, url, wait_s=1, hidden_for_s=_HIDDEN_FOR_S):
        if all(message.message_id in seen for message in received):
            break
        seen |= {message.message_id: message for message in received}
    return list(seen.values())


def _judged(ledger: Connection, queue: BillingType, received: Sequence[Message]) -> list[DeadLetter]:
    pointers = {message.message_id: _pointer(message) for message in received}
    found = attempts.find(ledger, [pointer for pointer in pointers.values() if isinstance(pointer, UUID)])
    return [_judge(queue, message, pointers[message.message_id], found) for message in received]


def _pointer(message: Message) -> UUID | str:
    """The instruction, or why the message names none."""
    try:
        return messages.parse(message.body)
    except BadMessage as bad:
        return bad.reason


def _judge(queue: BillingType, message: Message, pointer: UUID | str, found: Found) -> DeadLetter:
    if isinstance(pointer, str):
        return DeadLetter(queue, message, f"it is not one of ours: {pointer}", Fate.LEFT)
    if pointer not in found:
        return DeadLetter(queue, message, f"there is no instruction {pointer}", Fate.LEFT)
    billing_type, status = found[pointer]
    if status not in _MOVES_BY_ITSELF:
        return DeadLetter(queue, message, f"nothing to do any more: {pointer} is {status}", Fate.DELETED)
    why = (
        f"no worker came to an end with {pointer}, which is {status}: was Postgres or Stripe down?"
        if billing_type == queue
        else f"{pointer} is a {billing_type} and was on the wrong queue"
    )
    return DeadLetter(queue, message, why, Fate.REPUBLISHED, Pointer(pointer, billing_type))


def _republish(sns: "SNSClient", topic_arn: str, letters: Sequence[DeadLetter]) -> None:
    """Publish what goes back; raises AwsError where the topic does not take it, with nothing deleted."""
    pointers = [letter.pointer for letter in letters if letter.pointer]
    for batch in messages.publish_batches(sns, topic_arn, pointers):
        if batch.failed:
            reason = next(iter(batch.failed.values()))
            raise AwsError(f"SNS did not take a message ({reason}): nothing was deleted, run 'payouts redrive' again.")
