"""Deploying the template and what stops it, and the function in it at work: on `ministack`."""

import io
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import boto3
import pytest
from botocore.config import Config

from payouts_pipeline.aws import stack as stack_module
from payouts_pipeline.aws.errors import AwsError
from payouts_pipeline.aws.stack import deploy, template_body
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.settlement import messages
from payouts_pipeline.settlement.topology import Topology, find_topology
from payouts_tests.support.emulated_aws import emulated_aws, options

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

BROKEN = """
Resources:
  Queue: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {maxReceiveCount: 5, deadLetterTargetArn: nowhere}}}
"""
SLOW = """
Resources:
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Never: {Type: AWS::CloudFormation::WaitCondition, Properties: {Handle: !Ref Handle, Timeout: "2"}}
"""
ONLY_A_TOPIC = """
Resources: {Topic: {Type: AWS::SNS::Topic}}
Outputs: {TopicArn: {Value: !Ref Topic}}
"""
SECRET = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:worker"


def quiet(_: str) -> None:
    """Report to nobody."""


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with emulated_aws(tmp_path_factory.mktemp("aws")) as url:
        yield url


@pytest.fixture
def client(endpoint: str) -> "Iterator[CloudFormationClient]":
    with closing(boto3.client("cloudformation", **options(endpoint))) as made:
        yield made


@pytest.fixture
def name() -> str:
    """A stack of its own for every test."""
    return f"payouts-{uuid4().hex[:8]}"


def created(client: "CloudFormationClient", name: str, template: str) -> str:
    client.create_stack(StackName=name, TemplateBody=template)
    while (status := status_of(client, name)).endswith("_IN_PROGRESS"):
        time.sleep(0.05)
    return status


def status_of(client: "CloudFormationClient", name: str) -> str:
    return client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]


def events(client: "CloudFormationClient", name: str) -> int:
    return len(client.describe_stack_events(StackName=name)["StackEvents"])


def visibility_timeout(endpoint: str, topology: Topology) -> str:
    with closing(boto3.client("sqs", **options(endpoint))) as sqs:
        url = topology.queue_urls[BillingType.CLUB_PAYOUT]
        return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"][
            "VisibilityTimeout"
        ]


def test_deploying_makes_the_topology_and_says_what_it_does(client: "CloudFormationClient", name: str) -> None:
    said: list[str] = []
    assert deploy(client, name, report=said.append)
    assert said[0].startswith(f"Creating the stack '{name}' at http://")
    assert "PlayerChargeQueue: CREATE_COMPLETE" in said
    assert said[-1] == f"{name}: CREATE_COMPLETE"
    assert len(said) == len(set(said))
    topology = find_topology(client, name)
    assert topology.topic_arn.endswith(f"{name}-instructions")
    assert topology.queue_urls[BillingType.PARTNER_PAYOUT].endswith(f"{name}-partner-payout")
    assert topology.dead_letter_urls[BillingType.PARTNER_PAYOUT].endswith(f"{name}-partner-payout-dead-letters")


def test_deploying_twice_changes_nothing(client: "CloudFormationClient", name: str) -> None:
    deploy(client, name, report=quiet)
    before = events(client, name)
    said: list[str] = []
    assert not deploy(client, name, report=said.append)
    assert said == [f"The stack '{name}' is up to date."]
    assert events(client, name) == before


def test_a_parameter_is_kept_until_another_value_is_given(
    endpoint: str, client: "CloudFormationClient", name: str
) -> None:
    deploy(client, name, report=quiet, parameters={"VisibilityTimeoutSeconds": "300"})
    assert not deploy(client, name, report=quiet)
    assert deploy(client, name, report=quiet, parameters={"OldestMessageAlarmSeconds": "60"})
    assert visibility_timeout(endpoint, find_topology(client, name)) == "300"
    assert deploy(client, name, report=quiet, parameters={"VisibilityTimeoutSeconds": "200"})
    assert visibility_timeout(endpoint, find_topology(client, name)) == "200"


def test_a_new_template_updates_the_stack_and_forgets_the_parameters_it_has_not(
    endpoint: str, client: "CloudFormationClient", name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = template_body().replace("Parameters:\n", "Parameters:\n  Gone: {Type: String, Default: x}\n", 1)
    monkeypatch.setattr(stack_module, "template_body", lambda: old.replace("maxReceiveCount: 5", "maxReceiveCount: 9"))
    deploy(client, name, report=quiet, parameters={"Gone": "y", "VisibilityTimeoutSeconds": "300"})
    monkeypatch.undo()
    said: list[str] = []
    assert deploy(client, name, report=said.append)
    assert said[0].startswith(f"Updating the stack '{name}'")
    assert visibility_timeout(endpoint, find_topology(client, name)) == "300"
    assert not deploy(client, name, report=quiet)


def test_a_stack_whose_creation_failed_has_to_be_deleted_first(client: "CloudFormationClient", name: str) -> None:
    assert created(client, name, BROKEN) == "ROLLBACK_COMPLETE"
    with pytest.raises(AwsError, match=f"is ROLLBACK_COMPLETE: .* delete-stack --stack-name {name}', and deploy again"):
        deploy(client, name, report=quiet)


def test_somebody_elses_operation_is_waited_for(client: "CloudFormationClient", name: str) -> None:
    client.create_stack(StackName=name, TemplateBody=SLOW)
    said: list[str] = []
    with pytest.raises(AwsError, match="is ROLLBACK_COMPLETE"):
        deploy(client, name, report=said.append)
    assert said[0] == f"The stack '{name}' is CREATE_IN_PROGRESS by somebody else, waiting."
    assert len(said) == len(set(said))


def test_a_failed_deployment_names_the_resource_and_the_reason(
    endpoint: str, client: "CloudFormationClient", name: str
) -> None:
    with closing(boto3.client("s3", **options(endpoint) | {"region_name": "us-east-1"})) as s3:
        s3.create_bucket(Bucket=name)
    code = {"LambdaCodeBucket": name, "LambdaCodeKey": "worker.zip", "LambdaSecretArn": SECRET}
    with pytest.raises(AwsError, match=r"ended in ROLLBACK_COMPLETE \(WorkerFunction: .*GetObject.*delete-stack"):
        deploy(client, name, report=quiet, parameters=code)


def test_parameters_that_only_make_sense_together_are_refused_alone(client: "CloudFormationClient", name: str) -> None:
    with pytest.raises(AwsError, match="LambdaCodeBucket, LambdaCodeKey and LambdaSecretArn, all three"):
        deploy(client, name, report=quiet, parameters={"LambdaCodeKey": "worker.zip"})


def test_a_missing_stack_is_one_sentence(endpoint: str, client: "CloudFormationClient") -> None:
    with pytest.raises(AwsError) as missing:
        find_topology(client, "payouts-nowhere")
    assert str(missing.value).startswith(f"There is no CloudFormation stack 'payouts-nowhere' at {endpoint}: run")


def test_a_stack_that_is_another_one_is_one_sentence(client: "CloudFormationClient", name: str) -> None:
    created(client, name, ONLY_A_TOPIC)
    with pytest.raises(AwsError, match=r"\(CREATE_COMPLETE\) has no output 'PlayerChargeQueueUrl'"):
        find_topology(client, name)


@pytest.mark.parametrize("call", [find_topology, lambda client, name: deploy(client, name, report=quiet)])
def test_an_endpoint_that_is_not_there_is_one_sentence(call: Callable[[Any, str], object]) -> None:
    config = Config(retries={"total_max_attempts": 1})
    with (
        closing(boto3.client("cloudformation", config=config, **options("http://127.0.0.1:1"))) as nowhere,
        pytest.raises(AwsError, match=r"CloudFormation at http://127.0.0.1:1 does not answer"),
    ):
        call(nowhere, "payouts")


HANDLER = """
import json, os
def handler(event, context):
    assert os.environ["PAYOUTS_SECRET_ARN"]
    slow = [r["messageId"] for r in event["Records"] if json.loads(r["body"])["instruction_id"].startswith("0000")]
    return {"batchItemFailures": [{"itemIdentifier": m} for m in slow]}
"""


def test_the_function_takes_messages_and_only_what_it_reports_comes_back(
    endpoint: str, client: "CloudFormationClient", name: str
) -> None:
    with closing(boto3.client("s3", **options(endpoint))) as s3:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_object(Bucket=name, Key="worker.zip", Body=zipped(HANDLER))
    code = {"LambdaCodeBucket": name, "LambdaCodeKey": "worker.zip", "LambdaSecretArn": SECRET}
    assert deploy(client, name, report=quiet, parameters=code)
    topology = find_topology(client, name)
    ids = [uuid4() for _ in range(8)]
    ids[3] = UUID("00000000-0000-5000-8000-000000000000")
    with closing(boto3.client("sns", **options(endpoint))) as sns:
        list(messages.publish_batches(sns, topology.topic_arn, [messages.Pointer(i, "club_payout") for i in ids]))
    assert settled_depth(endpoint, topology.queue_urls[BillingType.CLUB_PAYOUT]) == ("0", "1")


def zipped(source: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for package in ("payouts_pipeline", "payouts_pipeline/settlement"):
            archive.writestr(f"{package}/__init__.py", "")
        archive.writestr("payouts_pipeline/settlement/lambda_handler.py", source)
    return held.getvalue()


def settled_depth(endpoint: str, url: str) -> tuple[str, str]:
    """Visible and hidden messages, once there is at most one left or time is up."""
    with closing(boto3.client("sqs", **options(endpoint))) as sqs:
        for _ in range(150):
            depth = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            seen = depth["ApproximateNumberOfMessages"], depth["ApproximateNumberOfMessagesNotVisible"]
            if sum(map(int, seen)) <= 1:
                break
            time.sleep(0.1)
    return seen
