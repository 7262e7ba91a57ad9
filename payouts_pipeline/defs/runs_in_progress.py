"""Which run has a day: a sensor leaves the days to it that a run is about to move or is moving."""

from collections.abc import Mapping
from datetime import date, timedelta

import dagster as dg

from payouts_pipeline.defs.partitions import DAYS_PER_RUN

_DAY = "dagster/partition"
_FIRST_DAY = "dagster/asset_partition_range_start"
_LAST_DAY = "dagster/asset_partition_range_end"

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def days_in_progress(instance: dg.DagsterInstance) -> set[date]:
    """The days of all runs that have not ended, also of backfills that wait for their turn."""
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=UNFINISHED))
    return {day for run in runs for day in _days(run.tags)}


def last_run_of(instance: dg.DagsterInstance, day: date) -> dg.DagsterRun | None:
    """The newest run that has the day, by itself or as one of many."""
    starts = [str(day - timedelta(days=number)) for number in range(DAYS_PER_RUN)]
    alone = instance.get_run_records(dg.RunsFilter(tags={_DAY: str(day)}), limit=1)
    of_many = instance.get_run_records(dg.RunsFilter(tags={_FIRST_DAY: starts}))
    found = [record for record in [*alone, *of_many] if day in _days(record.dagster_run.tags)]
    return max(found, key=lambda record: record.storage_id).dagster_run if found else None


def _days(tags: Mapping[str, str]) -> list[date]:
    """The days that a run's tags name, if it has any."""
    first = tags.get(_FIRST_DAY) or tags.get(_DAY)
    last = tags.get(_LAST_DAY) or first
    if not first or not last:
        return []
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [start + timedelta(days=number) for number in range((end - start).days + 1)]
