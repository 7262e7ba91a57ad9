"""Materialises days without the UI: the same job, on the same instance, in this process."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from dagster_shared.error import SerializableErrorInfo

from payouts_pipeline.defs.build import build_defs
from payouts_pipeline.defs.check_catalogue import SETTLED_PAYOUTS
from payouts_pipeline.defs.failures import error_chain, first_line, our_sentence
from payouts_pipeline.defs.jobs import JOB
from payouts_pipeline.defs.metadata import changed_of
from payouts_pipeline.defs.partition_isolation import FAILURE, DaysFailed
from payouts_pipeline.defs.partitions import DAYS_PER_RUN
from payouts_pipeline.workflow.pay_day import Changed

# What went wrong is said in a sentence at the end; the log stands in the instance.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

_ENDED_EARLY = "The run ended before the checks of 'settled_payouts'; its log says more."


@dataclass(frozen=True)
class CheckResult:
    """One asset check of one day, as `payouts run --json` shows it."""

    asset: str
    check: str
    passed: bool
    severity: str
    description: str


@dataclass(frozen=True)
class DayRun:
    """What came of one day: its checks, what changed, and the sentence that it stopped with, if it did.

    ``seconds``: its part of the time that its run took.
    """

    day: date
    checks: list[CheckResult]
    changed: Changed
    failure: str | None
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether the day went through and no check of severity ERROR failed."""
        return self.failure is None and all(check.passed or check.severity != "ERROR" for check in self.checks)


def run_days(
    days: Sequence[date], instance: dg.DagsterInstance, tags: Mapping[str, str] | None = None
) -> Iterator[DayRun]:
    """Materialise consecutive days in order, in runs of many with these tags; a day that fails stops no other."""
    job = build_defs().resolve_job_def(JOB)
    for first in range(0, len(days), DAYS_PER_RUN):
        of_run = days[first : first + DAYS_PER_RUN]
        started = time.monotonic()
        result = job.execute_in_process(
            instance=instance, run_config=_QUIET, raise_on_error=False, **_which(of_run, tags or {})
        )
        yield from _day_runs(of_run, result.all_events, (time.monotonic() - started) / len(of_run))


def _which(days: Sequence[date], tags: Mapping[str, str]) -> dict[str, Any]:
    """The days as Dagster's own backfills say them: one as a partition, and many as a range."""
    if len(days) == 1:
        return {"partition_key": days[0].isoformat(), "tags": dict(tags)}
    first, last = days[0].isoformat(), days[-1].isoformat()
    return {"tags": {**tags, ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}}


def _day_runs(days: Sequence[date], events: Sequence[dg.DagsterEvent], seconds: float) -> Iterator[DayRun]:
    """What came of each day of a run."""
    materializations, failed, stopped = _materializations(events), _failed_days(events), _failure(events)
    for day in days:
        key = day.isoformat()
        of_day = [each for each in materializations if each.partition == key]
        checks = _checks(events, key)
        failure = failed.get(key) or (None if _is_audited(checks) else stopped or _ENDED_EARLY)
        yield DayRun(day, checks, changed_of(of_day), failure, seconds)


def _is_audited(checks: Sequence[CheckResult]) -> bool:
    """Whether the last checks have looked: only then is anything known of the money that has moved."""
    return {each.check for each in checks if each.asset == "settled_payouts"} >= set(SETTLED_PAYOUTS)


def _failed_days(events: Sequence[dg.DagsterEvent]) -> dict[str, str]:
    """The days that a run of many left out, with the reason."""
    observations = [
        event.asset_observation_data.asset_observation
        for event in events
        if event.event_type == dg.DagsterEventType.ASSET_OBSERVATION
    ]
    return {str(each.partition): str(each.metadata[FAILURE].value) for each in observations if FAILURE in each.metadata}


def _checks(events: Sequence[dg.DagsterEvent], day: str) -> list[CheckResult]:
    return [
        CheckResult(
            evaluation.asset_key.to_user_string(),
            evaluation.check_name,
            evaluation.passed,
            evaluation.severity.value,
            evaluation.description or "",
        )
        for evaluation in _evaluations(events)
        if evaluation.partition == day
    ]


def _evaluations(events: Sequence[dg.DagsterEvent]) -> list[dg.AssetCheckEvaluation]:
    return [
        event.asset_check_evaluation_data
        for event in events
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ]


def _materializations(events: Sequence[dg.DagsterEvent]) -> list[dg.AssetMaterialization]:
    return [
        event.step_materialization_data.materialization
        for event in events
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION
    ]


def _failure(events: Sequence[dg.DagsterEvent]) -> str | None:
    """Why a run ended before it had come to the end of all days; None if it did that."""
    errors = [(event.step_key, event.step_failure_data.error) for event in events if event.is_step_failure]
    for step, error in errors:
        if error and error.cls_name != DaysFailed.__name__:
            return _blocked(events) or _sentence(str(step), error)
    return None


def _blocked(events: Sequence[dg.DagsterEvent]) -> str | None:
    """The checks that stopped a run of one day, as `DaysOfRun` says it of many."""
    stopped = [each for each in _evaluations(events) if each.blocking and not each.passed]
    return " ".join(f"{each.asset_key.to_user_string()}.{each.check_name}: {each.description}" for each in stopped)


def _sentence(step: str, error: SerializableErrorInfo) -> str:
    """Our own sentence; of an error that is not ours, its type and first line."""
    chain = list(error_chain(error))
    return our_sentence(chain) or f"{step} failed with {first_line(chain[-1].message)}"
