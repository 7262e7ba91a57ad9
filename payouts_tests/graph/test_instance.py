"""Our `dagster.yaml` on a real instance: what may run at once, and what is started again."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import RUN_FAILURE_REASON_TAG
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster._daemon.auto_run_reexecution.auto_run_reexecution import should_retry
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from psycopg.conninfo import conninfo_to_dict

from payouts_pipeline.defs.jobs import JOB
from payouts_pipeline.defs.runs import end_lost_runs, held_by
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.local.instance import prepare_instance
from payouts_tests.conftest import Connect
from payouts_tests.support.definitions_for_tests import asset_nodes, definitions
from payouts_tests.support.worlds import ASSETS

ROOT = Path(__file__).resolve().parents[2]
DAYS = [date(2026, 3, 7), date(2026, 3, 8)]

# The queue decides for real; what it starts stays where it is, until the test ends it.
_LAUNCHER = """
run_launcher:
  module: dagster._core.test_utils
  class: MockedRunLauncher
"""


@pytest.fixture(scope="module")
def config(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with our `dagster.yaml`, whose storage is a database of this test."""
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("create database dagster_instance")
        folder = tmp_path_factory.mktemp("instance")
        (folder / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text() + _LAUNCHER)
        parts = conninfo_to_dict(postgres_url)
        url = f"postgresql://{parts['user']}@/dagster_instance?host={parts['host']}"
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("DAGSTER_DATABASE_URL", url)
            environment.setenv("DAGSTER_HOME", str(folder))
            # Nothing is run; a plan of a run wants to know where it would be.
            for name in ("PAYOUTS_DATABASE_URL", "PAYOUTS_STORAGE", "STRIPE_API_KEY"):
                environment.setenv(name, "nowhere")
            yield folder
        admin.execute("drop database dagster_instance with (force)")


@pytest.fixture
def instance(config: Path) -> Iterator[dg.DagsterInstance]:
    """An instance as `payouts dev` and `payouts up` leave it; nothing has run on it."""
    prepare_instance()
    with dg.DagsterInstance.from_config(str(config)) as made:
        yield made
        for run in made.get_runs():
            made.delete_run(run.run_id)


def queued(instance: dg.DagsterInstance, tags: dict[str, str], assets: Sequence[str] = ASSETS) -> str:
    """A run that waits for its turn."""
    job = definitions().resolve_job_def(JOB).get_subset(asset_selection={dg.AssetKey(asset) for asset in assets})
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("payouts_pipeline.definitions"), "payouts")
    run = instance.create_run_for_job(
        job,
        status=dg.DagsterRunStatus.QUEUED,
        tags=tags,
        remote_job_origin=repository.get_job_origin(JOB),
    )
    return run.run_id


def of_day(day: date) -> dict[str, str]:
    return {"dagster/partition": str(day)}


def of_range(first_day: date, last_day: date) -> dict[str, str]:
    return {
        "dagster/asset_partition_range_start": str(first_day),
        "dagster/asset_partition_range_end": str(last_day),
    }


def started(instance: dg.DagsterInstance, *runs: str) -> list[bool]:
    """Let the queue start what it may; which of the runs have been."""
    with create_test_daemon_workspace_context(EmptyWorkspaceTarget(), instance) as workspace:
        list(QueuedRunCoordinatorDaemon(interval_seconds=1).run_iteration(workspace))
    return [_run(instance, run).status != dg.DagsterRunStatus.QUEUED for run in runs]


def _run(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRun:
    run = instance.get_run_by_id(run_id)
    assert run
    return run


def end(instance: dg.DagsterInstance, run_id: str) -> None:
    instance.report_run_canceled(_run(instance, run_id))


def test_two_runs_of_one_day_come_one_after_the_other(instance: dg.DagsterInstance) -> None:
    first, second = queued(instance, of_day(DAYS[0])), queued(instance, of_day(DAYS[0]))
    assert started(instance, first, second) == [True, False]
    assert started(instance, first, second) == [True, False]
    end(instance, first)
    assert started(instance, second) == [True]


def test_two_ranges_that_come_at_once_do_not_start_at_once(instance: dg.DagsterInstance) -> None:
    runs = [queued(instance, of_range(*DAYS)) for _ in range(2)]
    assert started(instance, *runs) == [True, False]


def test_every_pool_of_the_assets_has_its_limit_from_the_start(instance: dg.DagsterInstance) -> None:
    pools = {pool for node in asset_nodes(definitions()).values() for pool in node.pools}
    assert {limit.name: limit.limit for limit in instance.event_log_storage.get_pool_limits()} == dict.fromkeys(
        pools, 1
    )


@pytest.mark.parametrize("assets", [("matches", "splits"), ("settled_payouts",)], ids=len)
def test_a_range_waits_for_the_run_of_a_day_that_may_be_in_it(
    instance: dg.DagsterInstance, assets: Sequence[str]
) -> None:
    whole = queued(instance, of_day(DAYS[1]))
    assert started(instance, whole) == [True]
    overlapping = queued(instance, of_range(*DAYS), assets)
    assert started(instance, overlapping) == [False]
    end(instance, whole)
    assert started(instance, overlapping) == [True]


@pytest.mark.parametrize(("reason", "is_retried"), [("STEP_FAILURE", False), ("RUN_EXCEPTION", True), (None, True)])
def test_a_run_that_was_lost_is_started_again_and_one_that_failed_is_not(
    instance: dg.DagsterInstance, reason: str | None, is_retried: bool
) -> None:
    run_id = queued(instance, of_day(DAYS[0]))
    instance.add_run_tags(run_id, {RUN_FAILURE_REASON_TAG: reason} if reason else {})
    instance.report_run_failed(_run(instance, run_id))
    assert should_retry(_run(instance, run_id), instance) is is_retried


def test_a_killed_run_of_the_command_line_gives_up_its_place_and_is_told_of(
    instance: dg.DagsterInstance, ledger: Connection, connect: Connect
) -> None:
    with held_by(connect) as tags:
        job = definitions().resolve_job_def(JOB)
        lost = instance.create_run_for_job(job, tags=of_day(DAYS[0]) | tags, status=dg.DagsterRunStatus.STARTED)
        nightly = queued(instance, of_day(DAYS[1]))
        assert started(instance, nightly) == [False]
    end_lost_runs(instance, ledger)
    assert started(instance, nightly) == [True]
    # No alert comes of a run that Dagster says it starts again, which it can't for this one.
    assert _run(instance, lost.run_id).tags["dagster/will_retry"] == "false"


def test_a_run_that_is_lost_does_not_keep_its_place(instance: dg.DagsterInstance) -> None:
    settings: dict[str, Any] = instance.run_monitoring_settings
    assert settings["enabled"]
    assert settings["start_timeout_seconds"] <= 300
    assert settings["max_runtime_seconds"] > 0
