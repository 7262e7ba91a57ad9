"""Safe by default: loading reaches for nothing, Dagster refuses what is mistyped, and secrets stay outside."""

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.errors import DagsterInvalidConfigError, DagsterUnknownPartitionError

from payouts_pipeline.defs.build import build_defs
from payouts_pipeline.defs.jobs import JOB
from payouts_pipeline.defs.resources import LedgerResource
from payouts_tests.support.definitions_for_tests import QUIET, asset_nodes, definitions, instance
from payouts_tests.support.leagues import League
from payouts_tests.support.worlds import ASSETS

# Refuses whatever would reach another machine or process, and prints what was imported.
_LOAD = """
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        raise AssertionError(f"{event} of {arguments}")

sys.addaudithook(refuse)
from payouts_pipeline.definitions import defs

repository = defs().get_repository_def()
print(",".join(sorted(module for module in sys.modules if "." not in module)))
"""
# Each takes a tenth of a second or more to import, and is needed only when something is done.
HEAVY = {"boto3", "dagster_aws", "PIL", "dagster_postgres", "ministack", "sqlalchemy", "stripe"}

SATURDAY = date(2026, 3, 7)
SENSORS = {
    "alert_on_failed_checks",
    "alert_on_failed_run",
    "alert_on_missing_funds",
    "alert_on_changed_accounts",
    "alert_on_waiting_changes",
    "alert_on_failing_banks",
    "alert_on_money_taken_back",
    "alert_on_missing_payouts",
    "book_corrections",
    "follow_stripe",
    "resume_payouts",
}


def test_they_load_without_environment_without_a_connection_and_without_what_only_runs_need() -> None:
    loaded = subprocess.run([sys.executable, "-c", _LOAD], env={}, capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr
    imported = set(loaded.stdout.strip().split(","))
    assert {"dagster", "pandas"} < imported
    assert imported & HEAVY == set()


def test_all_sensors_are_on_by_default_and_say_what_they_do() -> None:
    sensors = definitions().get_repository_def().sensor_defs
    assert {sensor.name for sensor in sensors} == SENSORS
    assert {sensor.default_status for sensor in sensors} == {dg.DefaultSensorStatus.RUNNING}
    assert all(sensor.description and (sensor.minimum_interval_seconds or 0) >= 30 for sensor in sensors)


@pytest.mark.parametrize(
    ("resource", "setting", "value"),
    [
        ("stripe", "api_base", "http://127.0.0.1:9"),
        ("stripe", "api_key", {"env": "HOME"}),
        ("stripe", "approval_above_minor", {}),
        ("stripe", "account_rest_h", 0),
        ("stripe", "day_above_minor", {}),
        ("stripe", "minimum_payouts_minor", {"EUR": 1}),
        ("stripe", "workers", 0),
        ("ledger", "database_url", {"env": "STRIPE_API_KEY"}),
        ("ledger", "source_url", "postgresql://127.0.0.1:9/other"),
        ("bus", "stack", "other"),
        ("bus", "boto3", {"endpoint_url": "http://127.0.0.1:9"}),
        ("io_manager", "storage", "other"),
        ("alerts", "topic_arn", "arn:aws:sns:eu-west-1:123456789012:other"),
    ],
)
def test_no_run_can_be_launched_with_another_setting_of_a_resource(resource: str, setting: str, value: object) -> None:
    """Whoever may launch a run could otherwise send the key or the money elsewhere."""
    job, config = definitions().resolve_job_def(JOB), {"resources": {resource: {"config": {setting: value}}}}
    with instance() as made, pytest.raises(DagsterInvalidConfigError, match=f'unexpected config entry "{setting}"'):
        job.execute_in_process(instance=made, partition_key=SATURDAY.isoformat(), run_config=config)


def test_tests_put_the_definitions_together_with_other_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_LEDGER", "postgresql://127.0.0.1:9/other")
    other = LedgerResource(database_url=dg.EnvVar("OTHER_LEDGER"), source_url="postgresql:///league")
    defs = build_defs({}, {"ledger": other})
    made = defs.resolve_job_def(JOB).resource_defs["ledger"]
    with dg.build_resources({"ledger": made}) as resources:
        assert resources.ledger.database_url == "postgresql://127.0.0.1:9/other"


def test_the_last_asset_is_fresh_when_it_was_made_between_midnight_and_six() -> None:
    policies = {name: node.freshness_policy for name, node in asset_nodes(definitions("Europe/Rome")).items()}
    expected = dg.FreshnessPolicy.cron("0 6 * * *", lower_bound_delta=timedelta(hours=6), timezone="Europe/Rome")
    assert policies == {**dict.fromkeys(ASSETS), "settled_payouts": expected}


@pytest.mark.parametrize("key", ["2025-12-31", "2999-01-01", "2026-02-30", "yesterday"])
def test_a_partition_key_that_is_no_day_is_refused_in_dagsters_words(key: str) -> None:
    with instance() as made, pytest.raises(DagsterUnknownPartitionError, match="Could not find a partition"):
        definitions().resolve_job_def(JOB).execute_in_process(instance=made, partition_key=key, run_config=QUIET)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"resources": {"ledger": {"config": {"databse_url": "x"}}}}, 'unexpected config entry "databse_url"'),
        ({"opps": {"matches": {}}}, 'unexpected config entry "opps"'),
    ],
)
def test_odd_run_config_is_refused_in_dagsters_words(
    config: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PAYOUTS_DATABASE_URL", "PAYOUTS_STORAGE", "STRIPE_API_KEY"):
        monkeypatch.setenv(name, "is set")
    with instance() as made, pytest.raises(DagsterInvalidConfigError, match=said):
        definitions().resolve_job_def(JOB).execute_in_process(
            instance=made, partition_key="2026-03-07", run_config=config | QUIET
        )


def test_no_secret_and_no_name_is_in_the_run_or_its_log(
    database_url: str, league: League, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{database_url} password=pass-of-ledger"
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", url)
    monkeypatch.setenv("PAYOUTS_STORAGE", str(tmp_path))
    monkeypatch.setenv("STRIPE_API_KEY", "sk_live_never_to_be_seen")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-of-aws")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-aws")
    player = league.player(customer="cus_never_to_be_seen", method="pm_never_to_be_seen")
    league.set("players", player, name="Ann Never-to-be-seen")
    league.fee(player, SATURDAY)
    with instance() as made:
        run = (
            definitions()
            .resolve_job_def(JOB)
            .execute_in_process(instance=made, partition_key=str(SATURDAY), run_config=QUIET, raise_on_error=False)
        )
        # It fails at the bus, of which there is none; the sentence of that is in the log, too.
        assert not run.success
        seen = json.dumps([str(run.dagster_run), *(str(log) for log in made.all_logs(run.run_id))])
    assert "settled_payouts" in seen
    for secret in ("pass-of-ledger", "sk_live", "key-of-aws", "secret-of-aws", "never_to_be_seen", "Never-to-be-seen"):
        assert secret not in seen
