"""Which days a run is about to move or is moving: a sensor leaves those to it."""

from collections.abc import Mapping
from datetime import date, timedelta

import dagster as dg

_DAY = "dagster/partition"
_FIRST_DAY = "dagster/asset_partition_range_start"
_LAST_DAY = "dagster/asset_partition_range_end"

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def days_under_way(instance: dg.DagsterInstance) -> set[date]:
    """The days of all runs that have not ended, also of backfills that wait for their turn."""
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=_UNFINISHED))
    return {day for run in runs for day in _days(run.tags)}


def _days(tags: Mapping[str, str]) -> list[date]:
    """The days that a run's tags name, if it has any."""
    first = tags.get(_FIRST_DAY) or tags.get(_DAY)
    last = tags.get(_LAST_DAY) or first
    if not first or not last:
        return []
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [start + timedelta(days=number) for number in range((end - start).days + 1)]
