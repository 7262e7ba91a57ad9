"""Messages: pointers to instructions, published to the topic and received from a queue in batches of ten.

SNS and SQS take ten entries a request, and each entry can fail by itself. A request that fails as a whole has
been tried several times by boto3 and raises `AwsError`. boto3 clients may be shared by any number of threads.
"""

from __future__ import annotations

import json
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from payouts_pipeline.aws.errors import aws_errors
from payouts_pipeline.failpoints import Failpoint, failpoint

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import PublishBatchRequestEntryTypeDef
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

T = TypeVar("T")
_Answer = tuple[Sequence[Mapping[str, object]], Sequence[Mapping[str, object]]]  # the taken and the failed entries

VERSION = 1
BILLING_TYPE = "billing_type"  # the message attribute that the subscriptions of the template filter on

BATCH_SIZE = 10
_LONGEST_BODY = 256  # characters; ours have 71, and what is much longer is not worth parsing
_TRIES = 4
_FIRST_PAUSE_S = 0.1


class BadMessage(Exception):  # noqa: N818 - what it is, not that something went wrong here
    """The body of a message is not one of ours; the reason never quotes it, since it may hold anything."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Pointer:
    """What a message says: there is an instruction to settle. It orders nothing."""

    instruction_id: UUID
    billing_type: str


@dataclass(frozen=True)
class PublishResult:
    """What became of one batch: the instructions that SNS took, and the reason for each that it did not."""

    published: list[UUID]
    failed: dict[UUID, str]


@dataclass(frozen=True)
class Message:
    """A received message; `billing_type` is what its sender says, empty if nothing. Postgres knows better."""

    message_id: str
    receipt_handle: str
    body: str
    receive_count: int
    billing_type: str


def body(instruction_id: UUID) -> str:
    """Make the body of a message, to the letter of the contract that others publish and read by."""
    return json.dumps({"version": VERSION, "instruction_id": str(instruction_id)})


def parse(text: str) -> UUID:
    """Find the instruction that a body points to; raises `BadMessage` if `body` can't have made it."""
    if len(text) > _LONGEST_BODY:
        raise BadMessage(f"the body is longer than {_LONGEST_BODY} characters")
    try:
        content = json.loads(text)
    except ValueError as error:
        raise BadMessage("the body is not JSON") from error
    if not isinstance(content, dict) or content.keys() != {"version", "instruction_id"}:
        raise BadMessage("the body is not an object with just version and instruction_id")
    if type(content["version"]) is not int or content["version"] != VERSION:
        raise BadMessage(f"the version is not {VERSION}")
    return _uuid(content["instruction_id"])


def _uuid(value: object) -> UUID:
    try:
        parsed = UUID(str(value))
    except ValueError as error:
        raise BadMessage("the instruction_id is not a UUID") from error
    if str(parsed) != value:  # UUID() also takes braces, URNs and no hyphens at all
        raise BadMessage("the instruction_id is not a UUID in its usual form")
    return parsed


def publish_batches(
    sns: SNSClient, topic_arn: str, pointers: Iterable[Pointer], threads: int = 1
) -> Iterator[PublishResult]:
    """Publish in batches of ten and yield each batch's result in order, for the caller to record at once.

    Lazy at both ends: never more than two batches per thread are drawn and not yet yielded. A crash publishes
    those again at worst, which is what at-least-once means. Entries that fail do not raise, a failed request
    does.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="publish") as pool:
        in_progress: deque[Future[PublishResult]] = deque()
        for batch in _batches(pointers):
            in_progress.append(pool.submit(_publish, sns, topic_arn, batch))
            if len(in_progress) >= 2 * threads:  # one in progress and one waiting keep each thread busy
                yield in_progress.popleft().result()
        while in_progress:
            yield in_progress.popleft().result()


def receive(
    sqs: SQSClient, queue_url: str, wait_s: int, max_messages: int = BATCH_SIZE, hidden_for_s: int | None = None
) -> list[Message]:
    """Up to `max_messages` (1 to 10), as soon as there is one, and none after `wait_s` seconds (0 to 20).

    They are hidden from others for `hidden_for_s` seconds, or for as long as the queue says.
    """
    hidden: dict[str, Any] = {} if hidden_for_s is None else {"VisibilityTimeout": hidden_for_s}
    with aws_errors(sqs):
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=max_messages,
            WaitTimeSeconds=wait_s,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
            MessageAttributeNames=[BILLING_TYPE],
            **hidden,
        )
    return [_message(message) for message in answer.get("Messages", [])]


def delete(sqs: SQSClient, queue_url: str, receipts: Iterable[str]) -> list[str]:
    """Delete what is done; returns the receipts that SQS did not take, whose messages may come again."""

    def request(batch: Mapping[str, str]) -> _Answer:
        with aws_errors(sqs), failpoint(Failpoint.DELETE_MESSAGES):
            answer = sqs.delete_message_batch(
                QueueUrl=queue_url,
                Entries=[{"Id": key, "ReceiptHandle": receipt} for key, receipt in batch.items()],
            )
        return answer.get("Successful", []), answer.get("Failed", [])

    return _not_taken(request, receipts)


def set_visibility(sqs: SQSClient, queue_url: str, receipts: Iterable[str], delay_s: int = 0) -> list[str]:
    """Show the messages again after `delay_s` seconds from now (0 to 43200) unless they are deleted by then.

    With 0 or little that gives them back, with more it extends the time that a slow call has. Each time that
    a message comes again counts as a receive, of which the template allows ten. Returns the receipts that
    SQS did not take.
    """

    def request(batch: Mapping[str, str]) -> _Answer:
        with aws_errors(sqs):
            answer = sqs.change_message_visibility_batch(
                QueueUrl=queue_url,
                Entries=[
                    {"Id": key, "ReceiptHandle": receipt, "VisibilityTimeout": delay_s}
                    for key, receipt in batch.items()
                ],
            )
        return answer.get("Successful", []), answer.get("Failed", [])

    return _not_taken(request, receipts)


def _publish(sns: SNSClient, topic_arn: str, batch: Sequence[Pointer]) -> PublishResult:
    def request(pointers: Mapping[str, Pointer]) -> _Answer:
        with aws_errors(sns), failpoint(Failpoint.PUBLISH):
            answer = sns.publish_batch(
                TopicArn=topic_arn,
                PublishBatchRequestEntries=[_entry(key, pointer) for key, pointer in pointers.items()],
            )
        return answer.get("Successful", []), answer.get("Failed", [])

    failed = _send(request, batch)
    return PublishResult(
        published=[p.instruction_id for position, p in enumerate(batch) if position not in failed],
        failed={batch[position].instruction_id: reason for position, reason in failed.items()},
    )


def _entry(key: str, pointer: Pointer) -> PublishBatchRequestEntryTypeDef:
    return {
        "Id": key,
        "Message": body(pointer.instruction_id),
        "MessageAttributes": {BILLING_TYPE: {"DataType": "String", "StringValue": pointer.billing_type}},
    }


def _message(message: MessageTypeDef) -> Message:
    attributes = message.get("MessageAttributes", {})
    return Message(
        message_id=message["MessageId"],
        receipt_handle=message["ReceiptHandle"],
        body=message["Body"],
        receive_count=int(message["Attributes"]["ApproximateReceiveCount"]),
        billing_type=attributes[BILLING_TYPE].get("StringValue", "") if BILLING_TYPE in attributes else "",
    )


def _not_taken(request: Callable[[Mapping[str, str]], _Answer], receipts: Iterable[str]) -> list[str]:
    return [batch[position] for batch in _batches(receipts) for position in _send(request, batch)]


def _send(request: Callable[[Mapping[str, T]], _Answer], entries: Sequence[T]) -> dict[int, str]:
    """Send up to ten entries, and again those that failed by no fault of ours; what is left by position."""
    waiting = {str(position): entry for position, entry in enumerate(entries)}
    reasons = dict.fromkeys(waiting, "no answer")
    for tried in range(_TRIES):
        _pause(tried)
        taken, failed = request(waiting)
        for entry in taken:
            del reasons[str(entry["Id"])], waiting[str(entry["Id"])]
        for entry in failed:
            reasons[str(entry["Id"])] = f"{entry['Code']}: {entry.get('Message', '')}"
            if entry["SenderFault"]:
                del waiting[str(entry["Id"])]
        if not waiting:
            break
    return {int(key): reason for key, reason in reasons.items()}


def _pause(tried: int) -> None:
    """Twice as long after each try, and at random, so that many threads do not come back all at once."""
    if tried:
        longest_s = _FIRST_PAUSE_S * 2 ** (tried - 1)
        time.sleep(random.uniform(longest_s / 2, longest_s))  # noqa: S311 - a pause is no secret


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    source = iter(items)
    while batch := list(islice(source, BATCH_SIZE)):
        yield batch
