"""The worker as a Lambda function: run by the emulator's Lambda, behind the queues of the real template."""

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from payouts_pipeline.aws import lambda_package
from payouts_pipeline.aws.stack import deploy
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.settlement import assemble, lambda_handler, messages
from payouts_tests.integration.settlement.test_worker_process import eventually
from payouts_tests.support.fleets import publish_charges, publish_payouts, require_each_once, statuses, topology_of
from payouts_tests.support.ledger_steps import violations
from payouts_tests.support.versions import TOMORROW, migrated_further
from payouts_tests.support.worlds import World, Worlds

BUCKET = "payouts-code"
CHARGE = BillingType.PLAYER_CHARGE
UNDER_WAY = {"pending", "published", "sending"}


@pytest.fixture
def world(worlds: Worlds) -> Iterator[World]:
    """An installation whose stack has the function; without it again afterwards, or it would go on polling."""
    made = worlds.make()
    stack, cloudformation = made.environment["PAYOUTS_STACK"], made.client("cloudformation")
    deploy(cloudformation, stack, report=lambda _: None, parameters=_function(made))
    yield made
    cloudformation.delete_stack(StackName=stack)
    cloudformation.close()


def _function(world: World) -> dict[str, str]:
    s3, secrets = world.client("s3"), world.client("secretsmanager")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    # The emulator has the Python that runs the tests.
    key = lambda_package.upload(s3, BUCKET, f"{sys.version_info.major}.{sys.version_info.minor}")
    names = ("PAYOUTS_DATABASE_URL", "STRIPE_API_KEY", "STRIPE_API_BASE", "PAYOUTS_STRIPE_CALLS_PER_S")
    content = {name: world.environment[name] for name in names}
    secret = secrets.create_secret(Name=world.environment["PAYOUTS_STACK"], SecretString=json.dumps(content))
    s3.close()
    secrets.close()
    return {"LambdaCodeBucket": BUCKET, "LambdaCodeKey": key, "LambdaSecretArn": secret["ARN"]}


def test_a_day_is_settled_by_the_function_alone(world: World) -> None:
    ledger, sqs = world.connect(), world.client("sqs")
    topology = topology_of(world)
    sqs.send_message(QueueUrl=topology.queue_urls[CHARGE], MessageBody="{")
    assert publish_charges(world, ledger) > 10
    eventually(lambda: not UNDER_WAY & statuses(ledger).keys(), f"charges: {statuses(ledger)}", within_s=60)
    assert publish_payouts(world, ledger) > 3
    eventually(lambda: not UNDER_WAY & statuses(ledger).keys(), f"payouts: {statuses(ledger)}", within_s=60)
    require_each_once(world, ledger)
    assert not any(violations(ledger).values())
    actors = ledger.execute("select distinct actor from payouts.events where to_status = 'settled'").fetchall()
    assert actors == [("lambda",)]
    # What it can't read stays behind, to die after its tries; all else is deleted.
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = sqs.get_queue_attributes(QueueUrl=topology.queue_urls[CHARGE], AttributeNames=names)["Attributes"]
    assert sum(map(int, left.values())) == 1
    sqs.close()


def record(number: int, body: str, queue: str = "some-stack-player-charge") -> dict[str, Any]:
    """A message as Lambda gives it to a function."""
    return {
        "messageId": f"m{number}",
        "receiptHandle": f"r{number}",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {"billing_type": {"stringValue": "player_charge", "dataType": "String"}},
        "eventSourceARN": f"arn:aws:sqs:eu-west-1:000000000000:{queue}",
    }


@pytest.fixture
def own_world(worlds: Worlds) -> Iterator[World]:
    """An installation whose function runs in this process."""
    made = worlds.make()
    with made.entered():
        yield made
        lambda_handler.close()


def test_only_what_nobody_can_read_is_to_come_again(own_world: World) -> None:
    ledger = own_world.connect()
    publish_charges(own_world, ledger)
    ids = [row[0] for row in ledger.execute("select id from payouts.instructions order by id limit 3").fetchall()]
    records = [record(number, messages.body(each)) for number, each in enumerate(ids)]
    records += [record(3, "{"), record(4, messages.body(ids[0]), "some-stack-club-payout")]
    answer = lambda_handler.handler({"Records": records}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m3"}, {"itemIdentifier": "m4"}]}
    assert not {"published", "sending"} & {
        row[0] for row in ledger.execute("select status from payouts.instructions where id = any(%s)", (ids,))
    }
    # The same event once more, as SQS may bring it: nobody pays twice.
    assert lambda_handler.handler({"Records": records[:3]}, None) == {"batchItemFailures": []}
    require_each_once(own_world, ledger)


def test_a_function_of_the_version_before_does_as_the_migrations_say(own_world: World) -> None:
    ledger = own_world.connect()
    publish_charges(own_world, ledger)
    ids = [row[0] for row in ledger.execute("select id from payouts.instructions order by id limit 4").fetchall()]
    records = [record(number, messages.body(each)) for number, each in enumerate(ids)]
    for number in range(2):
        assert lambda_handler.handler({"Records": [records[number]]}, None) == {"batchItemFailures": []}
        if number == 0:
            migrated_further(ledger, workers_go_on=True)
    ledger.execute(
        "update payouts.migrations set name = '9999_of_the_day_after.sql', workers_go_on = false where name = %s",
        (TOMORROW,),
    )
    moved = own_world.emulator().journal()
    for _ in range(2):
        with pytest.raises(PayoutsError, match=r"has 9999_of_the_day_after.sql, which this version does not know"):
            lambda_handler.handler({"Records": records[2:]}, None)
        # A function that is started anew.
        lambda_handler.close()
    ledger.execute("delete from payouts.migrations")
    with pytest.raises(PayoutsError, match="run 'payouts migrate' first"):
        lambda_handler.handler({"Records": records[2:]}, None)
    assert own_world.emulator().journal() == moved


def test_a_queue_that_is_none_of_the_templates_is_refused(own_world: World) -> None:
    with pytest.raises(PayoutsError, match="is not a queue of the template"):
        lambda_handler.handler({"Records": [record(1, "{}", "somebody-elses")]}, None)


def test_without_the_ledger_all_of_the_batch_comes_again(own_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", "postgresql://payouts@127.0.0.1:9/nowhere")
    monkeypatch.setattr(assemble, "CONNECT_TIMEOUT_S", 0.3)
    with pytest.raises(PayoutsError, match="PAYOUTS_DATABASE_URL"):
        lambda_handler.handler({"Records": [record(1, "{}")]}, None)


@pytest.mark.parametrize("content", ["not json, with a password in it", '{"STRIPE_API_KEY": "sk_live_secret"}'])
def test_a_secret_that_lacks_something_is_not_quoted(content: str) -> None:
    with pytest.raises(PayoutsError, match="PAYOUTS_DATABASE_URL and STRIPE_API_KEY") as refused:
        lambda_handler.parse_secret(content)
    assert "password" not in str(refused.value)
    assert "sk_live" not in str(refused.value)


def test_the_package_has_all_that_the_handler_imports_and_is_the_same_twice(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    packages = [lambda_package.build(folder) for folder in (tmp_path, tmp_path / "again")]
    assert packages[0].read_bytes() == packages[1].read_bytes()
    with zipfile.ZipFile(packages[0]) as archive:
        names = archive.namelist()
    for name in ("payouts_pipeline/settlement/lambda_handler.py", "payouts_pipeline/ledger/sql/attempts.sql"):
        assert name in names
    assert {name.split("/")[0] for name in names} >= {"psycopg", "psycopg_binary", "psycopg_pool", "stripe"}
    assert not any(name.startswith(("pandas", "dagster", "boto3")) for name in names)
    assert packages[0].stat().st_size < 50 * 2**20
