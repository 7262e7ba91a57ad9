"""Each use of what Dagster does not promise to keep, on the smallest example: what breaks here, an upgrade has changed.

`limit_pools` has its test in `test_instance`, on the real queue.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon

from payouts_pipeline.defs import dagster_private
from payouts_pipeline.defs.runs import error_chain
from payouts_tests.support.definitions_for_tests import QUIET, instance

PACKAGE = Path(dagster_private.__file__).parents[1]
DAYS = [date(2026, 3, 7), date(2026, 3, 8), date(2026, 3, 9)]
DAILY = dg.DailyPartitionsDefinition("2026-01-01")


@pytest.fixture
def dagster() -> Iterator[dg.DagsterInstance]:
    with instance() as made:
        yield made


@dg.asset(partitions_def=DAILY)
def fees() -> None:
    """An asset of days."""


def job_of(*assets: dg.AssetsDefinition) -> dg.JobDefinition:
    return dg.Definitions(assets=assets, jobs=[dg.define_asset_job("pay")]).resolve_job_def("pay")


def run(
    dagster: dg.DagsterInstance, assets: Sequence[dg.AssetsDefinition], **options: Any
) -> dg.ExecuteInProcessResult:
    return job_of(*assets).execute_in_process(instance=dagster, run_config=QUIET, raise_on_error=False, **options)


def test_nothing_else_of_ours_uses_what_is_private() -> None:
    private = re.compile(r"dagster\._|dagster_shared|get_step_execution_context|SYSTEM_METADATA_KEY|_TAG\b")
    users = {path.name for path in PACKAGE.rglob("*.py") if private.search(path.read_text())}
    assert users == {"dagster_private.py"}


def test_the_tags_of_a_range_make_a_run_of_its_days(dagster: dg.DagsterInstance) -> None:
    result = run(dagster, [fees], tags=dagster_private.tags_of_range(DAYS[0], DAYS[2]))
    made = {each.partition for each in result.get_asset_materialization_events()}
    assert made == {str(day) for day in DAYS}
    assert dagster_private.days_of(result.dagster_run) == DAYS


def test_a_run_is_found_by_its_day_or_by_the_range_that_has_it(dagster: dg.DagsterInstance) -> None:
    alone = run(dagster, [fees], partition_key=str(DAYS[1]))
    of_many = run(dagster, [fees], tags=dagster_private.tags_of_range(DAYS[0], DAYS[2]))
    run(dagster, [fees], partition_key=str(DAYS[2]))
    assert dagster_private.days_of(alone.dagster_run) == [DAYS[1]]
    found = dagster_private.runs_of(dagster, DAYS[1], longest_range=31)
    assert {record.dagster_run.run_id for record in found} == {alone.run_id, of_many.run_id}


def test_an_output_with_events_are_ours_materialises_nothing(dagster: dg.DagsterInstance) -> None:
    @dg.asset(partitions_def=DAILY)
    def matches() -> Iterator[Any]:
        yield dg.AssetMaterialization("matches", partition=str(DAYS[0]))
        yield dg.Output(None, metadata=dagster_private.EVENTS_ARE_OURS)

    result = run(dagster, [matches], tags=dagster_private.tags_of_range(DAYS[0], DAYS[2]))
    assert [each.partition for each in result.get_asset_materialization_events()] == [str(DAYS[0])]


def test_an_evaluation_names_the_latest_materialisation_of_its_day(dagster: dg.DagsterInstance) -> None:
    for _ in range(2):
        last = run(dagster, [fees], partition_key=str(DAYS[0]))
    found = dagster_private.latest_materialisations(dagster, fees.key, [str(DAYS[0]), str(DAYS[1])])
    (record,) = dagster.fetch_materializations(fees.key, limit=1).records
    assert {day: (each.run_id, each.storage_id, each.timestamp) for day, each in found.items()} == {
        str(DAYS[0]): (last.run_id, record.storage_id, record.timestamp)
    }
    assert dagster_private.latest_materialisations(dagster, fees.key, []) == {}


def test_a_run_from_a_failed_step_takes_over_the_steps_before_it(dagster: dg.DagsterInstance) -> None:
    plan = dagster.create_run_for_job(job_of(fees)).execution_plan_snapshot_id
    whole = dg.DagsterRun("pay", execution_plan_snapshot_id=plan)
    assert not dagster_private.takes_over(whole)
    assert dagster_private.planned_steps(dagster, whole) == {"fees"}
    rest = dg.DagsterRun("pay", step_keys_to_execute=["fees"])
    assert dagster_private.takes_over(rest)
    assert dagster_private.planned_steps(dagster, rest) == {"fees"}
    from_failure = dagster.create_run_for_job(job_of(fees), tags={"dagster/is_asset_resume_retry": "true"})
    assert dagster_private.takes_over(from_failure)


def test_dagster_says_of_a_failed_run_whether_it_retries_it(dagster: dg.DagsterInstance) -> None:
    lost = dagster.create_run_for_job(job_of(fees), tags=dagster_private.NEVER_RETRIED)
    assert lost.tags == {"dagster/max_retries": "0"}
    assert not dagster_private.will_be_retried(lost)
    retried = dagster.create_run_for_job(job_of(fees), tags={"dagster/will_retry": "true"})
    assert dagster_private.will_be_retried(retried)


def test_a_run_names_the_code_location_that_it_was_started_from(dagster: dg.DagsterInstance) -> None:
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("payouts"), "__repository__")
    started = dagster.create_run_for_job(job_of(fees), remote_job_origin=repository.get_job_origin("pay"))
    assert dagster_private.location_of(started) == "payouts"
    assert dagster_private.location_of(dagster.create_run_for_job(job_of(fees))) is None


def test_a_failure_tells_its_error_with_its_causes(dagster: dg.DagsterInstance) -> None:
    @dg.asset
    def broken() -> None:
        try:
            raise KeyError("the cause")
        except KeyError as error:
            raise ValueError("the error") from error

    (failure,) = run(dagster, [broken]).get_step_failure_events()
    error = failure.step_failure_data.error
    assert isinstance(error, dagster_private.SerializableErrorInfo)
    assert [each.cls_name for each in error_chain(error)][1:] == ["ValueError", "KeyError"]


def test_a_new_instance_has_no_older_events_to_warn_of(
    dagster: dg.DagsterInstance, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    dagster_private.note_newest_event(dagster)
    daemon = EventLogConsumerDaemon()
    monkeypatch.setattr(daemon._logger, "propagate", True)
    list(daemon.run_iteration(_Workspace(dagster)))  # type: ignore[arg-type]
    assert caplog.records == []


class _Workspace:
    """All that the daemon asks of a workspace."""

    def __init__(self, made: dg.DagsterInstance) -> None:
        self.instance = made


def test_connections_are_kept(dagster: dg.DagsterInstance) -> None:
    dagster_private.keep_connections(dagster)
