"""Materialises days without the UI: the same job, on the same instance, in this process."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from payouts_pipeline.defs.build import build_defs
from payouts_pipeline.defs.jobs import JOB
from payouts_pipeline.defs.metadata import changed_of
from payouts_pipeline.settlement.day import Changed

# What went wrong is said in a sentence at the end; the log stands in the instance.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


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
    """What came of one day: its checks, what changed, and the sentence that it stopped with, if it did."""

    day: date
    checks: list[CheckResult]
    changed: Changed
    failure: str | None

    @property
    def ok(self) -> bool:
        """Whether the day went through and no check of severity ERROR failed."""
        return self.failure is None and all(check.passed or check.severity != "ERROR" for check in self.checks)


def run_days(days: Iterable[date], instance: dg.DagsterInstance) -> Iterator[DayRun]:
    """Materialise the days in turn, each in a run of its own, so that one that fails stops no other."""
    job = build_defs().resolve_job_def(JOB)
    for day in days:
        result = job.execute_in_process(
            instance=instance, partition_key=day.isoformat(), run_config=_QUIET, raise_on_error=False
        )
        events = result.all_events
        yield DayRun(day, _checks(events), changed_of(_materializations(events)), _failure(events))


def _checks(events: Sequence[dg.DagsterEvent]) -> list[CheckResult]:
    evaluations = [
        event.asset_check_evaluation_data
        for event in events
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ]
    return [
        CheckResult(
            evaluation.asset_key.to_user_string(),
            evaluation.check_name,
            evaluation.passed,
            evaluation.severity.value,
            evaluation.description or "",
        )
        for evaluation in evaluations
    ]


def _materializations(events: Sequence[dg.DagsterEvent]) -> list[dg.AssetMaterialization]:
    return [
        event.step_materialization_data.materialization
        for event in events
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION
    ]


def _failure(events: Sequence[dg.DagsterEvent]) -> str | None:
    """The sentence of the first step that failed; of an error that is not ours, its type and first line."""
    for event in events:
        if event.is_step_failure and event.step_failure_data.error:
            chain = list(_chain(event.step_failure_data.error))
            # Ours was made for people to read; what caused it (boto3's own error, say) was not.
            ours = next((error for error in chain if error.cls_name in ("PayoutsError", "AwsError")), None)
            if ours:
                return _first_line(ours).split(": ", 1)[-1]
            return f"{event.step_key} failed with {_first_line(chain[-1])}"
    return None


def _chain(error: SerializableErrorInfo) -> Iterator[SerializableErrorInfo]:
    """An error, and what caused it."""
    yield error
    if error.cause:
        yield from _chain(error.cause)


def _first_line(error: SerializableErrorInfo) -> str:
    return error.message.strip().splitlines()[0]
