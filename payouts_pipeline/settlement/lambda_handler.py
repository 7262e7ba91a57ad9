"""The worker as an AWS Lambda function behind the queues: the same core, with partial batch responses.

A function lives for many batches: what it has connected stays for the next one. Its configuration is the worker's;
where ``PAYOUTS_SECRET_ARN`` names a secret, what that holds completes the environment.
"""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from typing import Any

from payouts_pipeline import settings
from payouts_pipeline.aws.clients import make_client
from payouts_pipeline.aws.errors import aws_errors
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.settlement.assemble import StripeAccount, settlement
from payouts_pipeline.settlement.messages import BILLING_TYPE, Message
from payouts_pipeline.settlement.worker import Worker

# The calls of a batch, side by side; each borrows a connection for moments only.
_CALLS = 10
_CONNECTIONS = 3
# Shorter than the function's time-out, so that a call ends before the function does.
_LEASE_S = 55.0
_OF_SECRET = ("PAYOUTS_DATABASE_URL", "STRIPE_API_KEY")
_MAY_BE_IN_SECRET = (
    "STRIPE_API_BASE",
    "PAYOUTS_STRIPE_CALLS_PER_S",
    "PAYOUTS_DESCRIPTION",
    "PAYOUTS_STATEMENT_SUFFIX",
)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """Settle a batch that SQS brings; answers with exactly the messages that are to come again.

    Where the ledger can't be reached it raises, and all of them do.
    """
    again: list[Message] = []
    for billing_type, messages in _by_queue(event["Records"]).items():
        again += _worker().process(messages, billing_type).unreadable
    return {"batchItemFailures": [{"itemIdentifier": message.message_id} for message in again]}


def _by_queue(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Message]]:
    """The messages by the billing type whose queue they came from; the queue's name ends with it."""
    by_queue: dict[str, list[Message]] = {}
    for record in records:
        by_queue.setdefault(_billing_type(record["eventSourceARN"]), []).append(_message(record))
    return by_queue


def _billing_type(queue_arn: str) -> BillingType:
    for billing_type in BillingType:
        if queue_arn.endswith(f"-{billing_type.replace('_', '-')}"):
            return billing_type
    raise PayoutsError(f"{queue_arn} is not a queue of the template: only those may trigger this function.")


def _message(record: Mapping[str, Any]) -> Message:
    return Message(
        message_id=record["messageId"],
        receipt_handle=record["receiptHandle"],
        body=record["body"],
        receive_count=int(record["attributes"]["ApproximateReceiveCount"]),
        billing_type=record.get("messageAttributes", {}).get(BILLING_TYPE, {}).get("stringValue", ""),
    )


@cache
def _open() -> ExitStack:
    """What the function keeps open from one batch to the next."""
    return ExitStack()


def close() -> None:
    """Close all that is kept open; the next batch opens it anew."""
    _open().close()
    _open.cache_clear()
    _worker.cache_clear()


@cache
def _worker() -> Worker:
    """The worker of this function, made with its first batch."""
    # Not the root's: Stripe's SDK notes each request with the customer's id in it.
    logging.getLogger("payouts_pipeline").setLevel(logging.INFO)
    environment = dict(os.environ) | _secret()
    url, account = settings.database_url(environment), StripeAccount.from_environment(environment)
    parts = settlement(url, account, _CALLS, _LEASE_S, "lambda", _CONNECTIONS)
    return _open().enter_context(parts).worker


def _secret() -> dict[str, str]:
    """What the secret holds of the configuration; nothing without a secret."""
    arn = os.environ.get("PAYOUTS_SECRET_ARN")
    if not arn:
        return {}
    client = make_client("secretsmanager")
    with aws_errors(client):
        text: str = client.get_secret_value(SecretId=arn)["SecretString"]
    return parse_secret(text)


def parse_secret(text: str) -> dict[str, str]:
    """The secret's variables; raises PayoutsError, which must not quote what it holds, where one is missing."""
    try:
        content = json.loads(text)
        needed = {name: str(content[name]) for name in _OF_SECRET}
        return needed | {name: str(content[name]) for name in _MAY_BE_IN_SECRET if name in content}
    except (ValueError, KeyError, TypeError):
        raise PayoutsError(
            f"The secret of PAYOUTS_SECRET_ARN is not a JSON object with {' and '.join(_OF_SECRET)}: write it again."
        ) from None
