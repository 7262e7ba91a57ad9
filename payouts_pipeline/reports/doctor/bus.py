"""Topic and queues: whether the stack is there with all of it, and what has died in it."""

from collections.abc import Iterator
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from payouts_pipeline import settings
from payouts_pipeline.aws.clients import make_client
from payouts_pipeline.aws.errors import AwsError, aws_errors, error_code
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.reports.doctor.diagnosis import Diagnosis, halves, ok, problem, warning
from payouts_pipeline.reports.doctor.setup import Setup
from payouts_pipeline.settlement.topology import Topology, find_topology

# Somebody waits for the answer, and boto3 would wait for minutes.
IMPATIENT = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "max_attempts": 2})
_MESSAGES = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
_GONE = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NotFound", "NotFoundException"})
_NOT_ALLOWED = frozenset({"AuthorizationError", "AuthorizationErrorException", "AccessDenied", "AccessDeniedException"})
_MAKE_ANEW = "delete the stack and run 'payouts deploy': no money is lost with its messages."


def look(setup: Setup) -> Iterator[Diagnosis]:
    """The stack, its topic, and each of its queues."""
    try:
        topology = find_topology(make_client("cloudformation", config=IMPATIENT), settings.stack(setup.environment))
    except AwsError as error:
        yield _without_stack(setup, *halves(str(error)))
        return
    wrong = [*_topic(topology), *_queues(topology)]
    yield from wrong
    if not any(each.subject == "topic and queues" for each in wrong):
        found = f"the stack '{settings.stack(setup.environment)}' has its topic, {len(BillingType)} queues and as many"
        yield ok("topic and queues", f"{found} dead-letter queues")


def alerts(setup: Setup) -> Iterator[Diagnosis]:
    """Whether somebody is told."""
    arn = settings.alert_topic_arn(setup.environment)
    if arn is None:
        if "ledger" not in setup.embedded:
            to_do = "set PAYOUTS_ALERT_TOPIC_ARN to an SNS topic that somebody reads."
            yield warning("alerts", "they are only logged, so that nobody is told when a night fails", to_do)
        return
    attributes = _topic_attributes(arn)
    if attributes is None:
        yield problem("alerts", f"there is no topic {arn}", "correct PAYOUTS_ALERT_TOPIC_ARN.")
    elif attributes.get("SubscriptionsConfirmed") == "0":
        yield warning("alerts", "nobody has subscribed to their topic", "subscribe an address to it.")
    else:
        yield ok("alerts", "their topic is there")


def _without_stack(setup: Setup, found: str, to_do: str) -> Diagnosis:
    """Every command deploys the embedded stack by itself, but for this one, which changes nothing."""
    if "aws" in setup.embedded:
        return warning("topic and queues", found, "run 'payouts demo', which makes it.")
    return problem("topic and queues", found, to_do)


def _topic(topology: Topology) -> Iterator[Diagnosis]:
    attributes = _topic_attributes(topology.topic_arn)
    if attributes is None:
        yield problem("topic and queues", f"the stack's topic {topology.topic_arn} is gone", _MAKE_ANEW)
        return
    subscribed = int(attributes.get("SubscriptionsConfirmed", len(BillingType)))
    if subscribed < len(BillingType):
        found = f"only {subscribed} of {len(BillingType)} queues are subscribed to the topic, so that messages are lost"
        to_do = f"look again in a minute if the stack is new; else {_MAKE_ANEW}"
        yield problem("topic and queues", found, to_do)


def _topic_attributes(arn: str) -> dict[str, str] | None:
    """None where it is not there; nothing where we may not ask, which is no right that publishing needs."""
    client: Any = make_client("sns", config=IMPATIENT)
    with aws_errors(client):
        try:
            return dict(client.get_topic_attributes(TopicArn=arn)["Attributes"])
        except ClientError as error:
            if error_code(error) in _GONE:
                return None
            if error_code(error) in _NOT_ALLOWED:
                return {}
            raise


def _queues(topology: Topology) -> Iterator[Diagnosis]:
    gone, dead, sqs = [], {}, make_client("sqs", config=IMPATIENT)
    for kind, url in topology.queue_urls.items():
        if _messages(sqs, url) is None:
            gone.append(str(kind))
        letters = _messages(sqs, topology.dead_letter_urls[kind])
        if letters is None:
            gone.append(f"{kind} (dead letters)")
        elif letters:
            dead[str(kind)] = letters
    if gone:
        yield problem("topic and queues", f"the stack's queues are gone: {', '.join(gone)}", _MAKE_ANEW)
    if dead:
        found = ", ".join(f"{count:,} of {kind}" for kind, count in dead.items())
        yield warning("dead letters", found, "run 'payouts redrive --dry-run', which says why each died.", count=dead)


def _messages(client: Any, url: str) -> int | None:
    """How many messages a queue has, about; None where it is not there."""
    with aws_errors(client):
        try:
            attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=list(_MESSAGES))["Attributes"]
        except ClientError as error:
            if error_code(error) in _GONE:
                return None
            raise
    return sum(int(attributes[name]) for name in _MESSAGES)
