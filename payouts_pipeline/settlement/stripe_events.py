"""Stripe's events by EventBridge: a queue of hints that something has happened, for who wants to know within seconds.

What a message says is not even read: it is a pointer to Stripe's journal, which says what happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from payouts_pipeline.aws.errors import AwsError, aws_errors
from payouts_pipeline.aws.stack import describe_stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_sqs import SQSClient

_OUTPUT = "StripeEventsQueueUrl"
_MOST = 10


def find_queue(client: CloudFormationClient, stack: str) -> str:
    """The queue's URL by the stack's outputs; raises `AwsError` where the stack has none."""
    with aws_errors(client):
        found = describe_stack(client, stack)
    outputs = {each["OutputKey"]: each["OutputValue"] for each in (found.get("Outputs", []) if found else [])}
    if _OUTPUT not in outputs:
        raise AwsError(
            f"CloudFormation stack '{stack}' has no queue of Stripe's events: run 'payouts deploy --parameter "
            "StripeEventSource=aws.partner/stripe.com/...' with the source that Stripe has made in EventBridge."
        )
    return outputs[_OUTPUT]


def await_events(client: SQSClient, url: str, wait_s: int) -> list[str]:
    """Wait so long for events, and take those that come; the handles by which they are deleted."""
    with aws_errors(client):
        answer = client.receive_message(QueueUrl=url, MaxNumberOfMessages=_MOST, WaitTimeSeconds=wait_s)
    return [message["ReceiptHandle"] for message in answer.get("Messages", [])]


def delete_events(client: SQSClient, url: str, handles: list[str]) -> None:
    """Let them go once what they point to was brought in; one that comes again costs a question."""
    entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
    with aws_errors(client):
        client.delete_message_batch(QueueUrl=url, Entries=entries)  # type: ignore[arg-type]
