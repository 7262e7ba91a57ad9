"""The worker as an AWS Lambda function behind the queues: the same core, with partial batch responses.

A function lives for many batches: what it has connected stays for the next one. Its configuration is the worker's;
where ``PAYOUTS_SECRET_ARN`` names a secret, what that holds completes the environment.
"""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from psycopg_pool import ConnectionPool

from payouts_pipeline import settings
from payouts_pipeline.aws.clients import make_client
from payouts_pipeline.aws.errors import aws_errors
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.settlement.messages import BILLING_TYPE, Message
from payouts_pipeline.settlement.pace import SharedPace
from payouts_pipeline.settlement.provider import Provider
from payouts_pipeline.settlement.worker import Worker

# The calls of a batch, side by side.
_CALLS = 10
# Shorter than the function's time-out, so that a call ends before the function does.
_LEASE_S = 60.0
_OF_SECRET = ("PAYOUTS_DATABASE_URL", "STRIPE_API_KEY")


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
    raise PayoutsError(f"{queue_arn} is no queue of the template: only those may trigger this function.")


def _message(record: Mapping[str, Any]) -> Message:
    return Message(
        message_id=record["messageId"],
        receipt_handle=record["receiptHandle"],
        body=record["body"],
        receive_count=int(record["attributes"]["ApproximateReceiveCount"]),
        billing_type=record.get("messageAttributes", {}).get(BILLING_TYPE, {}).get("stringValue", ""),
    )


@cache
def _worker() -> Worker:
    """The worker of this function, made with its first batch."""
    # Not the root's: Stripe's SDK notes each request with the customer's id in it.
    logging.getLogger("payouts_pipeline").setLevel(logging.INFO)
    environment = dict(os.environ) | _secret()
    api_key = settings.required("STRIPE_API_KEY", environment)
    pool = ConnectionPool(
        settings.database_url(environment), min_size=1, max_size=2, open=True, kwargs={"autocommit": True}
    )
    provider = Provider(api_key, environment.get("STRIPE_API_BASE"))
    calls_per_s = settings.stripe_calls_per_s(api_key, environment)
    if calls_per_s:
        provider.keep(SharedPace(pool.connection, calls_per_s))
    return Worker(pool.connection, provider, ThreadPoolExecutor(_CALLS), "lambda", _LEASE_S)


def _secret() -> dict[str, str]:
    """What the secret holds of the configuration; nothing without a secret."""
    arn = os.environ.get("PAYOUTS_SECRET_ARN")
    if not arn:
        return {}
    client = make_client("secretsmanager")
    with aws_errors(client):
        text: str = client.get_secret_value(SecretId=arn)["SecretString"]
    return _parsed(text)


def _parsed(text: str) -> dict[str, str]:
    """The secret's variables; an error must not quote what it holds."""
    try:
        content = json.loads(text)
        return {name: str(content[name]) for name in _OF_SECRET}
    except (ValueError, KeyError, TypeError):
        raise PayoutsError(
            f"The secret of PAYOUTS_SECRET_ARN is not a JSON object with {' and '.join(_OF_SECRET)}: write it again."
        ) from None
