"""The CloudFormation template: what must hold of it wherever it is deployed."""

import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode

from payouts_pipeline.aws.stack import template_body
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.settlement.visibility import HIDDEN_FOR_S
from payouts_pipeline.settlement.worker import LEASE_S

NAMES = [kind.title().replace("_", "") for kind in BillingType]
LAMBDA_TYPES = {
    "AWS::Lambda::Function",
    "AWS::Lambda::EventSourceMapping",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    with as_file(files("payouts_pipeline.aws").joinpath("template.yaml")) as path:
        decoded, problems = decode(str(path))
    assert not problems
    return dict(decoded)


@pytest.fixture(scope="module")
def resources(template: dict[str, Any]) -> dict[str, Any]:
    return dict(template["Resources"])


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: found["Properties"] for name, found in resources.items() if found["Type"] == f"AWS::{kind}"}


def statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    return list(policy["PolicyDocument"]["Statement"])


def refuses_plain_http(policy: dict[str, Any], action: str) -> bool:
    without_tls = {"Bool": {"aws:SecureTransport": "false"}}
    return any(
        (s["Effect"], s["Principal"], s["Action"], s.get("Condition")) == ("Deny", "*", action, without_tls)
        for s in statements(policy)
    )


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_cfn_lint_finds_nothing_and_nothing_is_hidden_from_it(tmp_path: Path) -> None:
    copy = tmp_path / "template.yaml"  # outside of this repository, no configuration file can hide anything
    copy.write_text(template_body())
    run = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), copy], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout + run.stderr) == (0, "")
    assert "cfn-lint" not in template_body()


def test_it_needs_no_transform_and_fits_into_one_request(template: dict[str, Any]) -> None:
    assert "Transform" not in template
    assert len(template_body().encode()) < 51_200


def test_it_is_plain_ascii_since_cloudformation_gives_other_letters_back_as_question_marks() -> None:
    assert template_body().isascii()


@pytest.mark.parametrize("name", NAMES)
def test_behind_each_queue_is_a_dead_letter_queue_that_keeps_longer(resources: dict[str, Any], name: str) -> None:
    queue = resources[f"{name}Queue"]["Properties"]
    dead = resources[f"{name}DeadLetterQueue"]["Properties"]
    assert queue["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [f"{name}DeadLetterQueue", "Arn"]},
        "maxReceiveCount": 10,
    }
    assert dead["MessageRetentionPeriod"] == 14 * 24 * 3600
    (source,) = dead["RedriveAllowPolicy"]["sourceQueueArns"]
    queue_name = queue["QueueName"]["Fn::Sub"]
    assert source["Fn::Sub"].endswith(f":{queue_name}")


def test_no_queue_can_outlive_its_dead_letter_queue(template: dict[str, Any]) -> None:
    assert template["Parameters"]["MessageRetentionSeconds"]["MaxValue"] < 14 * 24 * 3600


def test_everything_is_encrypted_at_rest(resources: dict[str, Any]) -> None:
    assert {q["SqsManagedSseEnabled"] for q in of_type(resources, "SQS::Queue").values()} == {True}
    assert resources["Topic"]["Properties"]["KmsMasterKeyId"] == "alias/aws/sns"


def test_there_is_one_filtered_raw_subscription_for_each_billing_type(resources: dict[str, Any]) -> None:
    subscriptions = of_type(resources, "SNS::Subscription").values()
    assert {
        subscription["Endpoint"]["Fn::GetAtt"][0]: subscription["FilterPolicy"]["billing_type"]
        for subscription in subscriptions
    } == {f"{name}Queue": [kind.value] for name, kind in zip(NAMES, BillingType, strict=True)}
    assert all(s["RawMessageDelivery"] is True for s in subscriptions)


def test_every_queue_and_the_topic_refuse_what_is_not_tls(resources: dict[str, Any]) -> None:
    policies = of_type(resources, "SQS::QueuePolicy").values()
    covered = {q["Ref"] for p in policies if refuses_plain_http(p, "sqs:*") for q in p["Queues"]}
    assert covered == set(of_type(resources, "SQS::Queue"))
    assert refuses_plain_http(resources["TopicPolicy"]["Properties"], "sns:Publish")


def test_only_the_topic_may_send(resources: dict[str, Any]) -> None:
    policy = resources["QueuePolicy"]["Properties"]
    by_sid = {s["Sid"]: s for s in statements(policy)}
    assert by_sid["TheTopicSends"]["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "Topic"}}}
    assert by_sid["NobodyElseSends"]["Condition"] == {"ArnNotEquals": {"aws:SourceArn": {"Ref": "Topic"}}}
    allowed = [s for p in of_type(resources, "SQS::QueuePolicy").values() for s in statements(p)]
    assert [s["Sid"] for s in allowed if s["Effect"] == "Allow"] == ["TheTopicSends", "TheRuleSends"]
    assert {q["Ref"] for q in policy["Queues"]} == {f"{name}Queue" for name in NAMES}


def either_way(resource: Any) -> list[Any]:
    """The resources of a statement, whatever its condition says."""
    if isinstance(resource, dict) and "Fn::If" in resource:
        return [each for branch in resource["Fn::If"][1:] for each in as_list(branch)]
    return as_list(resource)


@pytest.mark.parametrize("policy", ["PipelinePolicy", "WorkerPolicy", "RedrivePolicy", "SyncPolicy"])
def test_managed_policies_have_no_wildcard(resources: dict[str, Any], policy: str) -> None:
    own_stack = ":stack/${AWS::StackName}/*"  # the random id at the end of a stack's ARN
    for statement in statements(resources[policy]["Properties"]):
        assert all("*" not in action for action in as_list(statement["Action"]))
        for resource in either_way(statement["Resource"]):
            text = resource.get("Fn::Sub", "")
            assert "*" not in text.removesuffix("*")
            assert text.endswith(own_stack) or set(resource) & {"Ref", "Fn::GetAtt"}


def test_no_policy_lets_anybody_send_to_a_queue(resources: dict[str, Any]) -> None:
    policies = of_type(resources, "IAM::ManagedPolicy").values()
    actions = {a for p in policies for s in statements(p) for a in as_list(s["Action"])}
    assert actions == {
        "cloudformation:DescribeStacks",
        "sns:GetTopicAttributes",
        "sns:Publish",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
    }


def test_dead_letters_and_old_messages_of_every_queue_raise_an_alarm(resources: dict[str, Any]) -> None:
    watched = {
        (alarm["MetricName"], alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0])
        for alarm in of_type(resources, "CloudWatch::Alarm").values()
    }
    assert watched == {("ApproximateNumberOfMessagesVisible", f"{name}DeadLetterQueue") for name in NAMES} | {
        ("ApproximateAgeOfOldestMessage", f"{name}Queue") for name in NAMES
    }


def test_the_function_and_all_that_it_needs_is_optional(resources: dict[str, Any]) -> None:
    optional = {r["Type"] for r in resources.values() if r.get("Condition") == "HasLambda"}
    always = {r["Type"] for r in resources.values() if "Condition" not in r}
    assert optional == LAMBDA_TYPES
    assert not always & LAMBDA_TYPES


def test_stripes_events_are_optional_and_only_their_rule_sends_them(
    template: dict[str, Any], resources: dict[str, Any]
) -> None:
    assert template["Parameters"]["StripeEventSource"]["Default"] == ""
    optional = {name for name, found in resources.items() if found.get("Condition") == "HasStripeEvents"}
    assert optional == {
        "StripeEventBus", "StripeEventsRule", "StripeEventsQueue", "StripeEventsQueuePolicy", "SyncPolicy"
    }  # fmt: skip
    rule = resources["StripeEventsRule"]["Properties"]
    assert [target["Arn"] for target in rule["Targets"]] == [{"Fn::GetAtt": ["StripeEventsQueue", "Arn"]}]
    policy = resources["StripeEventsQueuePolicy"]["Properties"]
    [sends] = [s for s in statements(policy) if s["Sid"] == "TheRuleSends"]
    assert sends["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["StripeEventsRule", "Arn"]}}}
    outputs = {name for name, found in template["Outputs"].items() if found.get("Condition") == "HasStripeEvents"}
    assert outputs == {"StripeEventsQueueUrl", "SyncPolicyArn"}


def test_the_function_is_mapped_to_every_queue_with_partial_batches_and_a_cap(
    resources: dict[str, Any],
) -> None:
    mappings = of_type(resources, "Lambda::EventSourceMapping").values()
    assert {m["EventSourceArn"]["Fn::GetAtt"][0] for m in mappings} == {f"{name}Queue" for name in NAMES}
    assert all(m["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for m in mappings)
    assert all("MaximumConcurrency" in m["ScalingConfig"] for m in mappings)


def batches_at_once(mapping: dict[str, Any], of_limit: dict[str, Any]) -> int:
    most = mapping["ScalingConfig"]["MaximumConcurrency"]
    return int(most if isinstance(most, int) else of_limit[most["Fn::FindInMap"][2]])


def test_the_functions_rate_limit_leaves_room_and_no_batch_waits_for_it_beyond_its_time(
    template: dict[str, Any],
) -> None:
    limits = template["Mappings"]["LambdaConcurrency"]
    assert list(limits) == template["Parameters"]["LambdaRequestsPerSecond"]["AllowedValues"]
    timeout_s = template["Resources"]["WorkerFunction"]["Properties"]["Timeout"]
    mappings = of_type(template["Resources"], "Lambda::EventSourceMapping").values()
    for limit, of_limit in limits.items():
        assert int(of_limit["CallsPerSecond"]) <= 0.8 * int(limit)
        # At worst every instruction of every batch is asked for, its card looked up, and sent.
        calls_at_once = 3 * sum(m["BatchSize"] * batches_at_once(m, of_limit) for m in mappings)
        assert calls_at_once / int(of_limit["CallsPerSecond"]) <= timeout_s / 4


def test_a_message_of_a_dead_worker_comes_back_once_its_lease_is_over(template: dict[str, Any]) -> None:
    assert template["Parameters"]["VisibilityTimeoutSeconds"]["Default"] == HIDDEN_FOR_S > LEASE_S
