"""Materialises days without the UI: the same job, on the same instance, in this process."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from payouts_pipeline.defs import dagster_private
from payouts_pipeline.defs.build import build_defs
from payouts_pipeline.defs.check_catalogue import SETTLED_PAYOUTS
from payouts_pipeline.defs.dagster_private import SerializableErrorInfo
from payouts_pipeline.defs.jobs import JOB
from payouts_pipeline.defs.partition_isolation import DaysFailed, failed_days
from payouts_pipeline.defs.partitions import DAYS_PER_RUN
from payouts_pipeline.defs.resources import Changes
from payouts_pipeline.defs.runs import error_chain, first_line, our_sentence
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
    changes = Changes()
    job = build_defs(resource_overrides={"changes": changes}).resolve_job_def(JOB)
    for first in range(0, len(days), DAYS_PER_RUN):
        of_run = days[first : first + DAYS_PER_RUN]
        started = time.monotonic()
        result = job.execute_in_process(
            instance=instance, run_config=_QUIET, raise_on_error=False, **_which(of_run, tags or {})
        )
        failed = failed_days(instance, result.dagster_run)
        stopped, seconds = _failure(result.all_events), (time.monotonic() - started) / len(of_run)
        for day in of_run:
            checks = _checks(result.all_events, day.isoformat())
            failure = failed.get(day.isoformat()) or (None if _is_audited(checks) else stopped or _ENDED_EARLY)
            yield DayRun(day, checks, changes[day], failure, seconds)


def _which(days: Sequence[date], tags: Mapping[str, str]) -> dict[str, Any]:
    """The days as Dagster's own backfills say them: one as a partition, and many as a range."""
    if len(days) == 1:
        return {"partition_key": days[0].isoformat(), "tags": dict(tags)}
    return {"tags": {**tags, **dagster_private.tags_of_range(days[0], days[-1])}}


def _is_audited(checks: Sequence[CheckResult]) -> bool:
    """Whether the last checks have looked: only then is anything known of the money that has moved."""
    return {each.check for each in checks if each.asset == "settled_payouts"} >= SETTLED_PAYOUTS.names


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
