"""Messages over the real topic and queues: the template deployed in `ministack`."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import boto3
import pytest
from botocore.config import Config

from payouts_pipeline.aws.errors import AwsError
from payouts_pipeline.aws.stack import deploy
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.reports.checks import no_dead_letters
from payouts_pipeline.settlement import messages
from payouts_pipeline.settlement.dead_letters import count_dead_letters
from payouts_pipeline.settlement.messages import Message, Pointer
from payouts_pipeline.settlement.topology import Topology, find_topology
from payouts_tests.support.emulated_aws import emulated_aws, options

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

CHARGE = BillingType.PLAYER_CHARGE


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with emulated_aws(tmp_path_factory.mktemp("aws")) as url:
        yield url


@pytest.fixture(scope="module")
def deployed(endpoint: str) -> Topology:
    with closing(boto3.client("cloudformation", **options(endpoint))) as client:
        deploy(client, "payouts", report=lambda _: None)
        return find_topology(client, "payouts")


@pytest.fixture
def sns(endpoint: str) -> "Iterator[SNSClient]":
    with closing(boto3.client("sns", **options(endpoint))) as client:
        yield client


@pytest.fixture
def sqs(endpoint: str) -> "Iterator[SQSClient]":
    with closing(boto3.client("sqs", **options(endpoint))) as client:
        yield client


@pytest.fixture
def topology(deployed: Topology, sqs: "SQSClient") -> Topology:
    """The topology with empty queues."""
    for url in [*deployed.queue_urls.values(), *deployed.dead_letter_urls.values()]:
        sqs.purge_queue(QueueUrl=url)
    return deployed


def pointers(number: int, billing_type: BillingType = CHARGE) -> list[Pointer]:
    return [Pointer(uuid4(), billing_type) for _ in range(number)]


def publish(sns: "SNSClient", topology: Topology, what: list[Pointer]) -> list[UUID]:
    results = list(messages.publish_batches(sns, topology.topic_arn, what))
    assert not any(result.failed for result in results)
    return [instruction_id for result in results for instruction_id in result.published]


def drain(sqs: "SQSClient", url: str) -> list[Message]:
    found: list[Message] = []
    while batch := messages.receive(sqs, url, wait_s=0):
        found += batch
    return found


def ids(found: list[Message]) -> set[UUID]:
    return {messages.parse(message.body) for message in found}


@pytest.mark.parametrize("billing_type", BillingType)
def test_a_pointer_arrives_only_in_the_queue_of_its_billing_type(
    sns: "SNSClient", sqs: "SQSClient", topology: Topology, billing_type: BillingType
) -> None:
    pointer = Pointer(uuid4(), billing_type)
    publish(sns, topology, [pointer])
    arrived = {kind: drain(sqs, url) for kind, url in topology.queue_urls.items()}
    assert [kind for kind in arrived if arrived[kind]] == [billing_type]
    (message,) = arrived[billing_type]
    assert message.body == messages.body(pointer.instruction_id)
    assert (message.receive_count, message.billing_type) == (1, billing_type)


def test_a_message_of_another_billing_type_or_of_none_arrives_nowhere(
    sns: "SNSClient", sqs: "SQSClient", topology: Topology
) -> None:
    publish(sns, topology, [Pointer(uuid4(), "refund")])
    sns.publish(TopicArn=topology.topic_arn, Message="no attribute")
    assert [drain(sqs, url) for url in topology.queue_urls.values()] == [[]] * len(BillingType)


def test_a_message_that_was_smuggled_into_a_queue_is_received_without_a_billing_type(
    sqs: "SQSClient", topology: Topology
) -> None:
    url = topology.queue_urls[CHARGE]
    sqs.send_message(QueueUrl=url, MessageBody="pay me")
    (message,) = messages.receive(sqs, url, wait_s=0)
    assert (message.body, message.billing_type) == ("pay me", "")


@pytest.mark.parametrize("threads", [1, 3])
def test_batches_of_ten_are_yielded_in_order_and_all_of_them_arrive(
    sns: "SNSClient", sqs: "SQSClient", topology: Topology, threads: int
) -> None:
    what = pointers(73)
    results = list(messages.publish_batches(sns, topology.topic_arn, what, threads))
    assert [len(result.published) for result in results] == [10] * 7 + [3]
    assert [i for result in results for i in result.published] == [p.instruction_id for p in what]
    assert ids(drain(sqs, topology.queue_urls[CHARGE])) == {p.instruction_id for p in what}


def test_publishing_draws_no_more_than_two_batches_per_thread_ahead_of_what_was_yielded(
    sns: "SNSClient", topology: Topology
) -> None:
    source = iter(pointers(1000))
    results = messages.publish_batches(sns, topology.topic_arn, source, threads=2)
    assert sum(len(result.published) for result in islice(results, 5)) == 50
    left = len(list(source))
    assert 1000 - 50 - 2 * 2 * 10 <= left < 950


def test_an_entry_that_sns_refuses_does_not_hurt_its_batch(
    sns: "SNSClient", sqs: "SQSClient", topology: Topology
) -> None:
    good, bad = pointers(9), Pointer(uuid4(), "x" * 300_000)
    (result,) = messages.publish_batches(sns, topology.topic_arn, [*good[:4], bad, *good[4:]])
    assert result.published == [p.instruction_id for p in good]
    assert list(result.failed) == [bad.instruction_id]
    assert "too long" in result.failed[bad.instruction_id]
    assert ids(drain(sqs, topology.queue_urls[CHARGE])) == set(result.published)


def test_a_topic_that_is_not_there_is_one_sentence(sns: "SNSClient", topology: Topology) -> None:
    with pytest.raises(AwsError, match=r"SNS at http://\S+ refused PublishBatch: NotFound"):
        list(messages.publish_batches(sns, f"{topology.topic_arn}-gone", pointers(1)))


def test_long_polling_returns_as_soon_as_there_is_a_message(
    sns: "SNSClient", sqs: "SQSClient", topology: Topology
) -> None:
    with ThreadPoolExecutor(1) as pool:
        started = time.monotonic()
        waiting = pool.submit(messages.receive, sqs, topology.queue_urls[CHARGE], 20)
        time.sleep(0.5)
        publish(sns, topology, pointers(1))
        assert len(waiting.result()) == 1
    assert 0.4 < time.monotonic() - started < 10


def test_what_was_deleted_does_not_come_again_and_what_could_not_be_deleted_is_returned(
    sns: "SNSClient", sqs: "SQSClient", topology: Topology
) -> None:
    url = topology.queue_urls[CHARGE]
    publish(sns, topology, pointers(25))
    receipts = [message.receipt_handle for message in drain(sqs, url)]
    assert messages.delete(sqs, url, [*receipts[:13], "stranger", *receipts[13:]]) == ["stranger"]
    depth = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (depth["ApproximateNumberOfMessages"], depth["ApproximateNumberOfMessagesNotVisible"]) == ("0", "0")


def test_a_received_message_is_hidden_until_it_is_given_back(
    sns: "SNSClient", sqs: "SQSClient", topology: Topology
) -> None:
    url = topology.queue_urls[CHARGE]
    publish(sns, topology, pointers(12))
    receipts = [message.receipt_handle for message in drain(sqs, url)]
    assert drain(sqs, url) == []
    assert messages.set_visibility(sqs, url, receipts) == []
    assert [message.receive_count for message in drain(sqs, url)] == [2] * 12


def test_a_message_can_be_given_back_for_later(sns: "SNSClient", sqs: "SQSClient", topology: Topology) -> None:
    url = topology.queue_urls[CHARGE]
    publish(sns, topology, pointers(1))
    receipts = [message.receipt_handle for message in drain(sqs, url)]
    messages.set_visibility(sqs, url, receipts, delay_s=2)
    started = time.monotonic()
    assert messages.receive(sqs, url, wait_s=0) == []
    assert len(messages.receive(sqs, url, wait_s=10)) == 1
    assert time.monotonic() - started > 1


def test_a_message_that_nobody_deletes_is_dead_after_ten_receives_and_does_not_hurt_the_others(
    sns: "SNSClient", sqs: "SQSClient", topology: Topology
) -> None:
    url, dead_url = topology.queue_urls[CHARGE], topology.dead_letter_urls[CHARGE]
    good = publish(sns, topology, pointers(3))
    garbage = "\N{PILE OF POO}" * 60_000
    sns.publish(
        TopicArn=topology.topic_arn,
        Message=garbage,
        MessageAttributes={messages.BILLING_TYPE: {"DataType": "String", "StringValue": CHARGE}},
    )
    settled, receives = settle_like_a_worker(sqs, url)
    assert settled == set(good)
    assert receives == 10
    (dead,) = drain(sqs, dead_url)
    assert (dead.body, dead.billing_type) == (garbage, CHARGE)
    assert drain(sqs, url) == []


def settle_like_a_worker(sqs: "SQSClient", url: str) -> tuple[set[UUID], int]:
    """What it settled, and how often it saw something bad."""
    settled: set[UUID] = set()
    bad = 0
    while batch := messages.receive(sqs, url, wait_s=0):
        for message in batch:
            try:
                settled.add(messages.parse(message.body))
                messages.delete(sqs, url, [message.receipt_handle])
            except messages.BadMessage:
                bad += 1
                messages.set_visibility(sqs, url, [message.receipt_handle])
    return settled, bad


def test_many_threads_share_one_client_and_see_each_message_once(
    sns: "SNSClient", sqs: "SQSClient", topology: Topology
) -> None:
    url = topology.queue_urls[CHARGE]
    what = publish(sns, topology, pointers(300))

    def work(_: int) -> list[UUID]:
        seen = drain(sqs, url)
        assert messages.delete(sqs, url, [message.receipt_handle for message in seen]) == []
        return list(ids(seen))

    with ThreadPoolExecutor(4) as pool:
        seen = Counter(instruction_id for found in pool.map(work, range(4)) for instruction_id in found)
    assert seen == Counter(what)


def test_dead_letters_are_counted_by_queue(sqs: "SQSClient", topology: Topology) -> None:
    assert no_dead_letters(count_dead_letters(sqs, topology)).passed
    for _ in range(2):
        sqs.send_message(QueueUrl=topology.dead_letter_urls[CHARGE], MessageBody="garbage")
    finding = no_dead_letters(count_dead_letters(sqs, topology))
    assert not finding.passed
    assert finding.figures == {"dead_letters": {"player_charge": 2}}
    assert "2 messages have died (player_charge: 2). 'payouts redrive --dry-run' says why" in finding.description


def test_queues_that_can_not_be_asked_are_no_reason_to_end_a_run(topology: Topology) -> None:
    nowhere = boto3.client("sqs", **options("http://127.0.0.1:1"), config=Config(retries={"max_attempts": 0}))
    with closing(nowhere) as client, pytest.raises(AwsError) as refused:
        count_dead_letters(client, topology)
    finding = no_dead_letters(refused.value)
    assert not finding.passed
    assert "could not be asked" in finding.description
