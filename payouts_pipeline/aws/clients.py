"""boto3 clients that many threads can share, with one sentence where boto3 lacks something to make them."""

from collections.abc import Callable
from functools import partial
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from payouts_pipeline.aws.errors import AwsError

# boto3 opens ten connections and throws others away; a run has more threads than that.
_CONNECTIONS = 64


def make_client(service: Any, session: boto3.session.Session | None = None, **options: Any) -> Any:
    """A client for `sns`, `sqs` or `cloudformation`; where it goes comes from boto3's own environment."""
    config = Config(retries={"mode": "standard"}, max_pool_connections=_CONNECTIONS).merge(
        options.pop("config", None) or Config()
    )
    try:
        return (session or boto3.session.Session()).client(service, config=config, **options)
    except (BotoCoreError, ValueError) as error:
        raise AwsError(
            f"AWS {service} can't be reached ({error}): set AWS_DEFAULT_REGION and, if need be, AWS_ENDPOINT_URL."
        ) from error


def client_maker() -> Callable[[str], Any]:
    """Makes clients of one session: each session reads botocore's data anew, which takes 0.2 s."""
    return partial(make_client, session=boto3.session.Session())
