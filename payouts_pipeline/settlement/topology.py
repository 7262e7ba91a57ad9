"""Where the topic and the queues are: read from the outputs of the stack, never configured a second time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from payouts_pipeline.aws.errors import AwsError, aws_errors
from payouts_pipeline.aws.stack import describe_stack
from payouts_pipeline.domain.billing import BillingType

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@dataclass(frozen=True)
class Topology:
    """The topic, and by billing type the queue behind it and the dead-letter queue behind that."""

    topic_arn: str
    queue_urls: Mapping[BillingType, str]
    dead_letter_urls: Mapping[BillingType, str]


def find_topology(client: CloudFormationClient, stack: str) -> Topology:
    """Read the topology from the stack's outputs; raises `AwsError` if there is none or it is unfinished."""
    where = f"CloudFormation stack '{stack}' at {client.meta.endpoint_url}"
    with aws_errors(client):
        found = describe_stack(client, stack)
    if found is None:
        raise AwsError(f"There is no {where}: run 'payouts deploy', or set PAYOUTS_STACK to the one there is.")
    try:
        return _topology({output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])})
    except KeyError as error:
        status = found["StackStatus"]
        raise AwsError(f"The {where} ({status}) has no output {error}: run 'payouts deploy' to finish it.") from error


def _topology(outputs: Mapping[str, str]) -> Topology:
    return Topology(
        topic_arn=outputs["TopicArn"],
        queue_urls={kind: outputs[f"{_logical(kind)}QueueUrl"] for kind in BillingType},
        dead_letter_urls={kind: outputs[f"{_logical(kind)}DeadLetterQueueUrl"] for kind in BillingType},
    )


def _logical(billing_type: BillingType) -> str:
    """`player_charge` is called `PlayerCharge` in the template, where names are letters and digits only."""
    return billing_type.title().replace("_", "")
