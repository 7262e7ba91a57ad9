"""What the policies in the template really allow: `ministack` with IAM and resource policies enforced."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from payouts_pipeline.aws.errors import AwsError
from payouts_pipeline.aws.stack import deploy
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.settlement import messages
from payouts_pipeline.settlement.topology import Topology, find_topology
from payouts_tests.support.emulated_aws import emulated_aws, options


class Strict:
    """The stack where IAM and resource policies are enforced, seen by users that have one of its policies each."""

    def __init__(self, endpoint: str, clients: ExitStack) -> None:
        self.endpoint = endpoint
        self._clients = clients
        deploy(self.client("cloudformation"), "payouts", report=lambda _: None)
        self.topology = find_topology(self.client("cloudformation"), "payouts")
        self._keys = {who: self._user(who) for who in ("Pipeline", "Worker", "Redrive")}

    def _user(self, who: str) -> dict[str, str]:
        iam = self.client("iam")
        iam.create_user(UserName=who)
        iam.attach_user_policy(UserName=who, PolicyArn=self._output(f"{who}PolicyArn"))
        key = iam.create_access_key(UserName=who)["AccessKey"]
        return {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}

    def _output(self, key: str) -> str:
        (stack,) = self.client("cloudformation").describe_stacks(StackName="payouts")["Stacks"]
        return str(next(o["OutputValue"] for o in stack["Outputs"] if o["OutputKey"] == key))

    def client(self, service: Any, who: str = "", *, tls: bool = True) -> Any:
        """A client of that user, of the account's root without one; as through a proxy that ends TLS, or not."""
        made = boto3.client(service, **options(self.endpoint, **(self._keys[who] if who else {})))
        if tls:
            made.meta.events.register("before-sign", _through_tls)
        return self._clients.enter_context(closing(made))


def _through_tls(request: Any, **_: Any) -> None:
    request.headers["X-Forwarded-Proto"] = "https"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strict]:
    with emulated_aws(tmp_path_factory.mktemp("strict"), AUTH="true") as endpoint, ExitStack() as clients:
        yield Strict(endpoint, clients)


def send(client: Any, url: str) -> None:
    client.send_message(QueueUrl=url, MessageBody=messages.body(uuid4()))


def publish(client: Any, topology: Topology) -> None:
    attribute = {"DataType": "String", "StringValue": "player_charge"}
    # One by one: in batches AWS asks for the same right, the emulator for another that AWS does not know.
    client.publish(
        TopicArn=topology.topic_arn,
        Message=messages.body(uuid4()),
        MessageAttributes={messages.BILLING_TYPE: attribute},
    )


def refused(call: Callable[..., object], *arguments: object) -> bool:
    try:
        call(*arguments)
    except (ClientError, AwsError) as error:
        return "denied" in str(error) or "not authorized" in str(error)
    return False


def test_what_the_pipeline_publishes_the_worker_can_receive_and_delete(strict: Strict) -> None:
    url = strict.topology.queue_urls[BillingType.PLAYER_CHARGE]
    publish(strict.client("sns", "Pipeline"), strict.topology)
    worker = strict.client("sqs", "Worker")
    (message,) = messages.receive(worker, url, wait_s=5)
    # One by one: in batches AWS asks for the same rights, the emulator for others that AWS does not know.
    worker.change_message_visibility(QueueUrl=url, ReceiptHandle=message.receipt_handle, VisibilityTimeout=60)
    worker.delete_message(QueueUrl=url, ReceiptHandle=message.receipt_handle)


@pytest.mark.parametrize("who", ["Pipeline", "Worker", "Redrive"])
def test_each_of_them_finds_the_topology(strict: Strict, who: str) -> None:
    assert find_topology(strict.client("cloudformation", who), "payouts") == strict.topology


@pytest.mark.parametrize("who", ["", "Pipeline", "Worker", "Redrive"])
def test_nobody_but_the_topic_sends_to_a_queue_not_even_root(strict: Strict, who: str) -> None:
    for url in strict.topology.queue_urls.values():
        assert refused(send, strict.client("sqs", who), url)


def test_the_worker_cannot_publish_and_the_pipeline_cannot_take_messages(strict: Strict) -> None:
    assert refused(publish, strict.client("sns", "Worker"), strict.topology)
    for url in [*strict.topology.queue_urls.values(), *strict.topology.dead_letter_urls.values()]:
        assert refused(messages.receive, strict.client("sqs", "Pipeline"), url, 0)


def test_dead_letters_are_for_who_redrives_and_queues_are_not(strict: Strict) -> None:
    redrive, worker = strict.client("sqs", "Redrive"), strict.client("sqs", "Worker")
    for kind in BillingType:
        assert messages.receive(redrive, strict.topology.dead_letter_urls[kind], 0) == []
        assert refused(messages.receive, worker, strict.topology.dead_letter_urls[kind], 0)
        assert refused(messages.receive, redrive, strict.topology.queue_urls[kind], 0)


def test_without_tls_even_root_is_refused_everywhere(strict: Strict) -> None:
    assert refused(publish, strict.client("sns", tls=False), strict.topology)
    for url in [*strict.topology.queue_urls.values(), *strict.topology.dead_letter_urls.values()]:
        assert refused(messages.receive, strict.client("sqs", tls=False), url, 0)
