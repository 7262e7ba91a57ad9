"""The form of a message, and what becomes of entries of a batch that fail (by answers as SNS and SQS give them)."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any
from uuid import UUID

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from payouts_pipeline.aws.errors import AwsError
from payouts_pipeline.settlement import messages
from payouts_pipeline.settlement.messages import BadMessage, Pointer

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

ID = UUID("c0ffee00-0000-5000-8000-000000000001")
OTHER_ID = UUID("c0ffee00-0000-5000-8000-000000000002")
TOPIC = "arn:aws:sns:eu-west-1:000000000000:payouts-instructions"
QUEUE = "https://sqs.eu-west-1.amazonaws.com/000000000000/payouts-player-charge"
OPTIONS: dict[str, Any] = {
    "endpoint_url": "https://aws.test",
    "region_name": "eu-west-1",
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}

GARBAGE = {
    "nothing": "",
    "no JSON": "pay 5 euros to me",
    "cut off": '{"version": 1, "instruction_id": "c0ff',
    "a list": f'[1, "{ID}"]',
    "a string": f'"{ID}"',
    "a null": "null",
    "deep": "[" * 250,
    "too long": messages.body(ID) + " " * 200,
    "no version": f'{{"instruction_id": "{ID}"}}',
    "no id": '{"version": 1}',
    "an order to pay": f'{{"version": 1, "instruction_id": "{ID}", "amount_minor": 500}}',
    "a newer version": f'{{"version": 2, "instruction_id": "{ID}"}}',
    "a version in quotes": f'{{"version": "1", "instruction_id": "{ID}"}}',
    "a version that is true": f'{{"version": true, "instruction_id": "{ID}"}}',
    "a version that is a float": f'{{"version": 1.0, "instruction_id": "{ID}"}}',
    "an id that is null": '{"version": 1, "instruction_id": null}',
    "an id that is a number": '{"version": 1, "instruction_id": 12345678123456781234567812345678}',
    "an id that is an object": '{"version": 1, "instruction_id": {}}',
    "an id that is none": '{"version": 1, "instruction_id": "42"}',
    "an id without hyphens": f'{{"version": 1, "instruction_id": "{ID.hex}"}}',
    "an id in braces": f'{{"version": 1, "instruction_id": "{{{ID}}}"}}',
}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_FIRST_PAUSE_S", 0.001)


@pytest.fixture
def sns() -> "Iterator[SNSClient]":
    with closing(boto3.client("sns", **OPTIONS)) as client:
        yield client


@pytest.fixture
def sqs() -> "Iterator[SQSClient]":
    with closing(boto3.client("sqs", **OPTIONS)) as client:
        yield client


def entry(key: str, instruction_id: UUID) -> dict[str, object]:
    attributes = {"billing_type": {"DataType": "String", "StringValue": "club_payout"}}
    return {"Id": key, "Message": messages.body(instruction_id), "MessageAttributes": attributes}


def asked(*entries: dict[str, object]) -> dict[str, object]:
    return {"TopicArn": TOPIC, "PublishBatchRequestEntries": list(entries)}


def fault(key: str, code: str, *, sender: bool) -> dict[str, object]:
    return {"Id": key, "Code": code, "Message": "so it is", "SenderFault": sender}


def publish(sns: "SNSClient", *ids: UUID) -> messages.PublishResult:
    (result,) = messages.publish_batches(sns, TOPIC, [Pointer(i, "club_payout") for i in ids])
    return result


def test_the_body_is_exactly_the_contract() -> None:
    assert messages.body(ID) == '{"version": 1, "instruction_id": "c0ffee00-0000-5000-8000-000000000001"}'


@given(st.uuids())
def test_what_is_written_is_read_back(instruction_id: UUID) -> None:
    assert messages.parse(messages.body(instruction_id)) == instruction_id


@pytest.mark.parametrize("text", GARBAGE.values(), ids=GARBAGE.keys())
def test_anything_else_is_a_bad_message_with_a_reason_that_does_not_quote_it(text: str) -> None:
    with pytest.raises(BadMessage) as bad:
        messages.parse(text)
    assert bad.value.reason.startswith(("the body", "the version", "the instruction_id"))
    assert "c0ffee" not in bad.value.reason


@given(st.text())
def test_no_text_at_all_breaks_the_parser(text: str) -> None:
    with pytest.raises(BadMessage):
        messages.parse(text)


def test_only_the_entry_that_failed_is_sent_again(sns: "SNSClient") -> None:
    with Stubber(sns) as answers:
        answers.add_response(
            "publish_batch",
            {
                "Successful": [{"Id": "0", "MessageId": "m"}],
                "Failed": [fault("1", "InternalError", sender=False)],
            },
            asked(entry("0", ID), entry("1", OTHER_ID)),
        )
        answers.add_response(
            "publish_batch", {"Successful": [{"Id": "1", "MessageId": "n"}]}, asked(entry("1", OTHER_ID))
        )
        result = publish(sns, ID, OTHER_ID)
        answers.assert_no_pending_responses()
    assert (result.published, result.failed) == ([ID, OTHER_ID], {})


@pytest.mark.parametrize(
    ("answer", "tries", "failed"),
    [
        ({"Failed": [fault("0", "InvalidParameter", sender=True)]}, 1, "InvalidParameter: so it is"),
        ({"Failed": [fault("0", "InternalError", sender=False)]}, 4, "InternalError: so it is"),
        ({}, 4, "no answer"),
    ],
    ids=["a fault of ours", "never through", "left out of the answer"],
)
def test_what_does_not_get_through_is_reported_after_four_tries_and_a_fault_of_ours_at_once(
    sns: "SNSClient", answer: dict[str, object], tries: int, failed: str
) -> None:
    published = {"Successful": [{"Id": "1", "MessageId": "m"}]}
    with Stubber(sns) as answers:
        answers.add_response("publish_batch", published | answer)
        for _ in range(tries - 1):
            answers.add_response("publish_batch", answer, asked(entry("0", ID)))
        result = publish(sns, ID, OTHER_ID)
        answers.assert_no_pending_responses()
    assert (result.published, result.failed) == ([OTHER_ID], {ID: failed})


def test_nothing_to_publish_asks_for_nothing(sns: "SNSClient") -> None:
    with Stubber(sns):
        assert list(messages.publish_batches(sns, TOPIC, [])) == []


def test_deleting_tries_only_what_failed_again_and_returns_what_is_left(sqs: "SQSClient") -> None:
    with Stubber(sqs) as answers:
        answers.add_response(
            "delete_message_batch",
            {
                "Successful": [{"Id": "0"}],
                "Failed": [
                    fault("1", "InternalError", sender=False),
                    fault("2", "ReceiptHandleIsInvalid", sender=True),
                ],
            },
        )
        answers.add_response(
            "delete_message_batch",
            {"Successful": [{"Id": "1"}], "Failed": []},
            {"QueueUrl": QUEUE, "Entries": [{"Id": "1", "ReceiptHandle": "b"}]},
        )
        assert messages.delete(sqs, QUEUE, ["a", "b", "c"]) == ["c"]
        answers.assert_no_pending_responses()


def test_a_refused_request_is_one_sentence_that_names_the_operation(sns: "SNSClient") -> None:
    with Stubber(sns) as answers:
        answers.add_client_error("publish_batch", "AuthorizationError", "not allowed.", 403)
        with pytest.raises(AwsError) as refused:
            publish(sns, ID)
    assert str(refused.value) == ("SNS at https://aws.test refused PublishBatch: AuthorizationError, not allowed.")


def test_an_endpoint_that_is_not_there_is_one_sentence_that_names_it() -> None:
    nowhere = OPTIONS | {"endpoint_url": "http://127.0.0.1:1", "config": Config(retries={"total_max_attempts": 1})}
    with (
        closing(boto3.client("sqs", **nowhere)) as sqs,
        pytest.raises(AwsError, match=r"SQS at http://127.0.0.1:1 does not answer .* check AWS_ENDPOINT_URL"),
    ):
        messages.receive(sqs, QUEUE, wait_s=0)
