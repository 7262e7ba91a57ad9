"""Alerts really arrive: a queue behind a topic gets one for each failed run, wrong total and missing night."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import dagster as dg
import pytest

from payouts_pipeline.aws.errors import AwsError
from payouts_pipeline.defs.alerts import AlertTopic, day_due
from payouts_pipeline.defs.assets import PAID
from payouts_pipeline.defs.build import build_defs
from payouts_pipeline.defs.partition_isolation import DaysFailed
from payouts_pipeline.defs.runs import why_failed
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.settings import Calendar
from payouts_tests.support.definitions_for_tests import QUIET
from payouts_tests.support.emulated_aws import emulated_aws, options
from payouts_tests.support.leagues import LAST_NIGHT, NOON

PAGE = "https://dagster.example.com"
SENSORS = ("alert_on_failed_run", "alert_on_failed_checks", "alert_on_missing_payouts")


@dataclass(frozen=True)
class Topic:
    """A topic of an operator's own, with a queue behind it."""

    arn: str
    queue_url: str
    sqs: Any

    def received(self) -> list[dict[str, Any]]:
        """Everything that has arrived since the last look."""
        found = []
        while messages := self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(message["Body"]) for message in messages]
            for message in messages:
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return found


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The emulator, where boto3's environment leads."""
    with emulated_aws(tmp_path_factory.mktemp("aws")) as url, pytest.MonkeyPatch.context() as environment:
        known = options(url)
        environment.setenv("AWS_ENDPOINT_URL", url)
        environment.setenv("AWS_ACCESS_KEY_ID", known["aws_access_key_id"])
        environment.setenv("AWS_SECRET_ACCESS_KEY", known["aws_secret_access_key"])
        environment.delenv("AWS_DEFAULT_REGION", raising=False)
        yield url


@pytest.fixture
def topic(endpoint: str, request: pytest.FixtureRequest) -> Topic:
    sns, sqs = boto3.client("sns", **options(endpoint)), boto3.client("sqs", **options(endpoint))
    name = f"alerts-{abs(hash(request.node.name))}"
    arn = sns.create_topic(Name=name)["TopicArn"]
    queue_url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
    return Topic(arn, queue_url, sqs)


@cache
def production(start_date: str = "2026-01-01") -> dg.Definitions:
    return build_defs({"PAYOUTS_TIMEZONE": NOON.key, "PAYOUTS_START_DATE": start_date})


@dataclass
class Sensor:
    """A production sensor, with the cursor that it left behind."""

    name: str
    instance: dg.DagsterInstance
    topic_arn: str | None
    start_date: str = "2026-01-01"
    cursor: str | None = None

    def tick(self) -> str:
        """What one tick says."""
        defs = production(self.start_date)
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            repository_def=defs.get_repository_def(),
            resources={"alerts": AlertTopic(topic_arn=self.topic_arn, ui_url=PAGE)},
        )
        data = defs.resolve_sensor_def(self.name).evaluate_tick(context)
        assert not data.run_requests
        self.cursor = data.cursor
        return data.skip_message or ""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@dataclass
class BadLuck:
    """What an asset of a test comes to."""

    error: Exception | None = None
    failed_check: dg.AssetCheckSeverity | None = None
    blocking: bool = False


def run_of(
    instance: dg.DagsterInstance, luck: BadLuck, tags: Mapping[str, str] | None = None
) -> dg.ExecuteInProcessResult:
    """A run of a day that goes as said."""

    @dg.asset(
        partitions_def=dg.DailyPartitionsDefinition("2026-01-01"),
        check_specs=[dg.AssetCheckSpec("total", asset="fees", blocking=luck.blocking)],
    )
    def fees() -> dg.MaterializeResult:  # type: ignore[type-arg]
        if luck.error:
            raise luck.error
        result = dg.AssetCheckResult(
            passed=luck.failed_check is None,
            severity=luck.failed_check or dg.AssetCheckSeverity.ERROR,
            description="12.50 EUR are booked and not split.\nMore of it.",
        )
        return dg.MaterializeResult(check_results=[result])

    job = dg.Definitions(assets=[fees], jobs=[dg.define_asset_job("pay")]).resolve_job_def("pay")
    return job.execute_in_process(
        instance=instance, partition_key="2026-03-07", run_config=QUIET, raise_on_error=False, tags=dict(tags or {})
    )


ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
FAILURES: dict[str, tuple[BadLuck, str]] = {
    "ours": (BadLuck(PayoutsError("There is no stack 'x': run 'payouts deploy'.")), "fees: There is no stack 'x': run"),
    "days of a run of many": (
        BadLuck(DaysFailed("2 of 9 days failed, and the others went on without them. 2026-03-07: no stack.")),
        "fees: 2 of 9 days failed, and the others went on without them. 2026-03-07: no stack.",
    ),
    "another's": (BadLuck(KeyError("Ann Smith, cus_1, sk_live_1")), "fees: KeyError; the log of the run says more"),
    "a check that blocks": (
        BadLuck(failed_check=ERROR, blocking=True),
        "check fees/total failed: 12.50 EUR are booked and not split.",
    ),
}


@pytest.mark.parametrize(("luck", "reason"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failed_run_is_told_of_once_with_its_link_and_reason(
    instance: dg.DagsterInstance, topic: Topic, luck: BadLuck, reason: str
) -> None:
    sensor = Sensor("alert_on_failed_run", instance, topic.arn)
    sensor.tick()
    result = run_of(instance, luck)
    assert not result.success
    assert sensor.tick().startswith("Alert sent: The run of 2026-03-07 failed: ")
    (alert,) = topic.received()
    assert alert["Subject"] == "The run of 2026-03-07 failed"
    assert reason in alert["Message"]
    assert alert["Message"].endswith(f"\n{PAGE}/runs/{result.run_id}")
    assert alert["MessageAttributes"]["kind"]["Value"] == "failed_run"
    assert "sk_live_1" not in json.dumps(alert)
    assert sensor.tick() == "Nothing to report."
    assert topic.received() == []


def test_days_that_failed_do_not_hide_a_wrong_total_of_another(instance: dg.DagsterInstance) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("audit", asset="settled_payouts")])
    def settled_payouts() -> dg.MaterializeResult:  # type: ignore[type-arg]
        return dg.MaterializeResult(
            check_results=[dg.AssetCheckResult(passed=False, description="12.50 EUR too much.")]
        )

    @dg.asset(deps=[settled_payouts], check_specs=[dg.AssetCheckSpec("each_fee_once", asset="matches")])
    def matches() -> Iterator[dg.AssetCheckResult]:
        yield dg.AssetCheckResult(passed=False, description="named with its day")
        raise DaysFailed("1 of 2 days failed. 2026-03-07: matches.each_fee_once: 1 fee twice." + " More of it." * 50)

    job = dg.Definitions(assets=[settled_payouts, matches], jobs=[dg.define_asset_job("pay")]).resolve_job_def("pay")
    result = job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)
    reason = why_failed(instance, result.run_id)
    assert "1 of 2 days failed. 2026-03-07: matches.each_fee_once: 1 fee twice." in reason
    assert reason.endswith(" Besides, check settled_payouts/audit failed: 12.50 EUR too much.")


def test_many_failures_come_each_in_its_turn(instance: dg.DagsterInstance, topic: Topic) -> None:
    sensor = Sensor("alert_on_failed_run", instance, topic.arn)
    sensor.tick()
    runs = [run_of(instance, BadLuck(KeyError())).run_id for _ in range(3)]
    sensor.tick()
    assert sorted(alert["Message"].rpartition("/")[2] for alert in topic.received()) == sorted(runs)


@pytest.mark.parametrize(
    ("luck", "tags"),
    [
        (BadLuck(), {}),
        (BadLuck(failed_check=WARN), {}),
        (BadLuck(failed_check=ERROR), {}),
        (BadLuck(KeyError()), {"dagster/will_retry": "true"}),
    ],
    ids=["went well", "a warning", "reported by the other sensor", "is tried again"],
)
def test_no_failure_no_alert_of_one(
    instance: dg.DagsterInstance, topic: Topic, luck: BadLuck, tags: dict[str, str]
) -> None:
    sensor = Sensor("alert_on_failed_run", instance, topic.arn)
    sensor.tick()
    run_of(instance, luck, tags)
    assert sensor.tick() == "Nothing to report."
    assert topic.received() == []


def test_a_wrong_total_of_a_run_that_went_through_is_told_of_once(instance: dg.DagsterInstance, topic: Topic) -> None:
    sensor = Sensor("alert_on_failed_checks", instance, topic.arn)
    sensor.tick()
    run_of(instance, BadLuck())
    run_of(instance, BadLuck(failed_check=WARN))
    assert sensor.tick() == "Nothing to report."
    assert run_of(instance, BadLuck(failed_check=ERROR)).success
    sensor.tick()
    (alert,) = topic.received()
    assert alert["Subject"] == "The run of 2026-03-07 has failed checks"
    assert "check fees/total failed: 12.50 EUR are booked and not split." in alert["Message"]
    assert "More of it" not in alert["Message"]
    assert sensor.tick() == "Nothing to report."


def test_an_alert_that_could_not_be_sent_is_not_lost(instance: dg.DagsterInstance, topic: Topic) -> None:
    sensor = Sensor("alert_on_failed_run", instance, f"{topic.arn}-that-is-not-there")
    sensor.tick()
    run_of(instance, BadLuck(KeyError()))
    with pytest.raises(AwsError, match="refused Publish"):
        sensor.tick()
    sensor.topic_arn = topic.arn
    sensor.tick()
    assert len(topic.received()) == 1


def test_without_a_topic_the_sensors_say_that_alerts_are_only_logged(instance: dg.DagsterInstance) -> None:
    sensor = Sensor("alert_on_failed_run", instance, None)
    sensor.tick()
    run_of(instance, BadLuck(KeyError()))
    assert sensor.tick().startswith("Alert only logged, since PAYOUTS_ALERT_TOPIC_ARN is not set: ")
    for name in SENSORS:
        assert "set PAYOUTS_ALERT_TOPIC_ARN" in (production().resolve_sensor_def(name).description or "")


def test_with_a_topic_the_sensors_say_where_alerts_go() -> None:
    arn = "arn:aws:sns:eu-west-1:123456789012:alerts"
    defs = build_defs({"PAYOUTS_ALERT_TOPIC_ARN": arn})
    for name in SENSORS:
        assert f"Alerts go to {arn}." in (defs.resolve_sensor_def(name).description or "")


def paid(day: date) -> Callable[[dg.DagsterInstance], None]:
    return lambda instance: instance.report_runless_asset_event(dg.AssetMaterialization(PAID, partition=str(day)))


def watching(instance: dg.DagsterInstance, topic: Topic) -> Sensor:
    """The sensor that misses payouts, which has looked at the nights before the last one."""
    return Sensor("alert_on_missing_payouts", instance, topic.arn, cursor=str(LAST_NIGHT - timedelta(days=1)))


def test_a_night_without_payouts_is_told_of_once(instance: dg.DagsterInstance, topic: Topic) -> None:
    sensor = watching(instance, topic)
    paid(LAST_NIGHT - timedelta(days=1))(instance)
    assert sensor.tick().startswith(f"Alert sent: The payouts of {LAST_NIGHT} did not happen: ")
    (alert,) = topic.received()
    assert "no run of it was started" in alert["Message"]
    assert alert["Message"].endswith(f"\n{PAGE}/assets/settled_payouts?view=partitions&partition={LAST_NIGHT}")
    assert sensor.tick() == f"{LAST_NIGHT} was already checked."
    assert topic.received() == []


RANGE = {
    "dagster/asset_partition_range_start": str(LAST_NIGHT - timedelta(days=9)),
    "dagster/asset_partition_range_end": str(LAST_NIGHT),
}


@pytest.mark.parametrize("tags", [{"dagster/partition": str(LAST_NIGHT)}, RANGE], ids=["of one day", "of many days"])
def test_the_alert_says_how_the_last_run_stands(
    instance: dg.DagsterInstance, topic: Topic, tags: dict[str, str]
) -> None:
    before = {"dagster/partition": str(LAST_NIGHT - timedelta(days=1))}
    instance.add_run(dg.DagsterRun("pay_out_day", tags=tags, status=dg.DagsterRunStatus.FAILURE))
    instance.add_run(dg.DagsterRun("pay_out_day", tags=before, status=dg.DagsterRunStatus.SUCCESS))
    assert "its last run is failure" in watching(instance, topic).tick()


def test_a_range_that_ended_before_the_night_is_no_run_of_it(instance: dg.DagsterInstance, topic: Topic) -> None:
    earlier = RANGE | {"dagster/asset_partition_range_end": str(LAST_NIGHT - timedelta(days=1))}
    instance.add_run(dg.DagsterRun("pay_out_day", tags=earlier, status=dg.DagsterRunStatus.SUCCESS))
    assert "no run of it was started" in watching(instance, topic).tick()


def test_a_night_with_payouts_is_not_told_of(instance: dg.DagsterInstance, topic: Topic) -> None:
    sensor = watching(instance, topic)
    paid(LAST_NIGHT)(instance)
    assert sensor.tick() == "Nothing to report."
    assert topic.received() == []


@pytest.mark.parametrize("start_date", ["2026-01-01", str(LAST_NIGHT + timedelta(days=1))])
def test_a_new_installation_misses_nothing_of_the_time_before_it(
    instance: dg.DagsterInstance, topic: Topic, start_date: str
) -> None:
    sensor = Sensor("alert_on_missing_payouts", instance, topic.arn, start_date=start_date)
    assert sensor.tick() == "Watches the nights from now on."
    assert sensor.tick() in (
        f"{LAST_NIGHT} was already checked.",
        f"The first day (PAYOUTS_START_DATE), {start_date}, is not due yet.",
    )
    assert topic.received() == []


def test_the_very_first_night_can_be_missed(instance: dg.DagsterInstance, topic: Topic) -> None:
    sensor = Sensor("alert_on_missing_payouts", instance, topic.arn, start_date=str(LAST_NIGHT + timedelta(days=1)))
    sensor.tick()
    sensor.start_date = str(LAST_NIGHT)
    assert f"The payouts of {LAST_NIGHT} did not happen" in sensor.tick()


@pytest.mark.parametrize(
    ("local", "due"),
    [
        ("2026-03-28T05:59", "2026-03-26"),
        ("2026-03-28T06:00", "2026-03-27"),
        # Nights of 23 and 25 hours.
        ("2026-03-29T05:59", "2026-03-27"),
        ("2026-03-29T06:00", "2026-03-28"),
        ("2026-10-25T05:59", "2026-10-23"),
        ("2026-10-25T06:00", "2026-10-24"),
    ],
)
def test_last_night_is_due_at_six_local_time(local: str, due: str) -> None:
    rome = ZoneInfo("Europe/Rome")
    now = datetime.fromisoformat(local).replace(tzinfo=rome).astimezone(UTC)
    assert day_due(now, Calendar(rome, date(2026, 1, 1))) == date.fromisoformat(due)
