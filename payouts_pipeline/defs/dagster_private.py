"""What we need of Dagster that it does not promise to keep: each use of it is here, so that an upgrade has one page.

`payouts_tests/graph/test_dagster_private.py` has a test for each, which names it when it breaks.
"""

from collections.abc import Collection, Iterable
from datetime import date, timedelta

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    ASSET_RESUME_RETRY_TAG,
    MAX_RETRIES_TAG,
    PARTITION_NAME_TAG,
    WILL_RETRY_TAG,
)
from dagster_shared.error import SerializableErrorInfo

__all__ = ["SerializableErrorInfo"]

Target = AssetCheckEvaluationTargetMaterializationData

# Dagster materialises every day of an output, with no public way to leave one out. With this key in its metadata, which
# Dagster's own observable assets use, it leaves that to us.
EVENTS_ARE_OURS = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}

# The tag of a run that Dagster must not start again by itself.
NEVER_RETRIED = {MAX_RETRIES_TAG: "0"}

# What Dagster looks for in the events of all runs, to start lost ones again.
_ENDINGS = (dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_SUCCESS)


def tags_of_range(first_day: date, last_day: date) -> dict[str, str]:
    """The tags by which Dagster's own backfills give many days to one run."""
    return {ASSET_PARTITION_RANGE_START_TAG: str(first_day), ASSET_PARTITION_RANGE_END_TAG: str(last_day)}


def days_of(run: dg.DagsterRun) -> list[date]:
    """The days that a run has, oldest first; none where it is not of days."""
    first = run.tags.get(ASSET_PARTITION_RANGE_START_TAG) or run.tags.get(PARTITION_NAME_TAG)
    last = run.tags.get(ASSET_PARTITION_RANGE_END_TAG) or first
    if not first or not last:
        return []
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [start + timedelta(days=number) for number in range((end - start).days + 1)]


def runs_of(instance: dg.DagsterInstance, day: date, longest_range: int) -> list[dg.RunRecord]:
    """The newest run of just this day, and all runs of many days of which it is one."""
    starts = [str(day - timedelta(days=number)) for number in range(longest_range)]
    alone = instance.get_run_records(dg.RunsFilter(tags={PARTITION_NAME_TAG: str(day)}), limit=1)
    of_many = instance.get_run_records(dg.RunsFilter(tags={ASSET_PARTITION_RANGE_START_TAG: starts}))
    return [record for record in [*alone, *of_many] if day in days_of(record.dagster_run)]


def will_be_retried(run: dg.DagsterRun) -> bool:
    """Whether Dagster is about to start a failed run again by itself."""
    return run.tags.get(WILL_RETRY_TAG) == "true"


def takes_over(run: dg.DagsterRun) -> bool:
    """Whether the run takes over some steps of its parent as they were; otherwise it does all of them again."""
    return bool(run.step_keys_to_execute) or run.tags.get(ASSET_RESUME_RETRY_TAG) == "true"


def planned_steps(instance: dg.DagsterInstance, run: dg.DagsterRun) -> frozenset[str]:
    """The steps that a run executes."""
    if run.step_keys_to_execute:
        return frozenset(run.step_keys_to_execute)
    plan = run.execution_plan_snapshot_id
    return frozenset(instance.get_execution_plan_snapshot(plan).step_keys_to_execute) if plan else frozenset()


def location_of(run: dg.DagsterRun) -> str | None:
    """The code location that a run was started from; None for a run of the command line."""
    origin = run.remote_job_origin
    return origin.repository_origin.code_location_origin.location_name if origin else None


def latest_materialisations(
    instance: dg.DagsterInstance, asset: dg.AssetKey, days: Collection[str]
) -> dict[str, Target]:
    """The latest materialisation of each day, as an evaluation names what it has checked."""
    if not days:
        return {}
    latest = instance.event_log_storage.get_latest_storage_id_by_partition(
        asset, dg.DagsterEventType.ASSET_MATERIALIZATION, set(days)
    )
    which = dg.AssetRecordsFilter(asset_key=asset, storage_ids=list(latest.values()))
    records = instance.fetch_materializations(which, limit=len(days)).records if latest else []
    return {
        str(each.partition_key): Target(storage_id=each.storage_id, run_id=each.run_id, timestamp=each.timestamp)
        for each in records
    }


def limit_pools(instance: dg.DagsterInstance, pools: Iterable[str]) -> None:
    """Give the pools that have none yet the default limit of `dagster.yaml`; a limit that somebody set stays.

    Dagster does so when a run of a pool waits for the first time, which is too late for that time itself: runs that
    wait together would all start.
    """
    storage, limit = instance.event_log_storage, instance.global_op_concurrency_default_limit
    known = {each.name for each in storage.get_pool_limits()}
    for pool in pools:
        if limit and pool not in known:
            storage.set_concurrency_slots(pool, limit)


def note_newest_event(instance: dg.DagsterInstance) -> None:
    """On a new instance, say that older events are seen to: its daemon does so itself, but warns of it as of a loss."""
    storage, newest = instance.daemon_cursor_storage, instance.event_log_storage.get_maximum_record_id() or 0
    cursors = {f"EVENT_LOG_CONSUMER_CURSOR-{ending.value}": str(newest) for ending in _ENDINGS}
    known = storage.get_cursor_values(set(cursors))
    if missing := {name: cursor for name, cursor in cursors.items() if name not in known}:
        storage.set_cursor_values(missing)


def keep_connections(instance: dg.DagsterInstance) -> None:
    """Keep connections open, as for its webserver; one for each event takes a third of the time of a range.

    But only while they are in use: what is in between may end those that are idle while a day is settled.
    """
    instance.optimize_for_webserver(statement_timeout=0, pool_recycle=1, max_overflow=20)
