"""The days of a run: in a run of many, one that fails does so alone, is named, and the others continue.

To Dagster a step succeeds or fails as a whole. So a step notes the day that failed and leaves it out, the steps after
it leave it out, too, and the last one fails with the names of all such days and why. A run of one day needs none of
this: an error ends its step, and a failed blocking check ends the run by Dagster's own means.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
import psycopg

from payouts_pipeline.defs import dagster_private
from payouts_pipeline.errors import PayoutsError

# The steps of the job; each waits for the one before, by its input or by a check that blocks.
STEPS = tuple(
    step
    for asset in ("matches", "splits", "collected_fees", "settled_payouts", "stripe_activity")
    for step in (asset, f"{asset}_checks")
)

# The metadata of the observation that notes a failed day. In the event log it outlives the process of the step.
_FAILURE = "payouts/failure"

# SQLSTATE classes of a server or a connection that is gone; no other day would fare better. A statement that took too
# long is of such a class, too, but is one day's: the next may be a lighter one.
_SERVER_GONE = ("08", "53", "57", "58")
_TOOK_TOO_LONG = "57014"

Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext


class DaysFailed(dg.Failure):
    """Some days of a run of many failed, which stopped none of the others."""


class DaysOfRun:
    """The days that a step works on, oldest first, without those that failed in an earlier step of the run."""

    def __init__(self, context: Context, asset: str) -> None:
        self._step = context
        self._context = context.op_execution_context
        self._asset = dg.AssetKey(asset)
        self._all = list(context.partition_keys)
        self._failed = failed_days(context.instance, context.run) if self.are_many else {}
        self._shown: dict[str, Mapping[str, Any]] = {}

    @property
    def are_many(self) -> bool:
        """Whether the run has more days than one."""
        return len(self._all) > 1

    def __iter__(self) -> Iterator[str]:
        """The days that have not failed yet."""
        return (day for day in self._all if day not in self._failed)

    @contextmanager
    def alone(self, day: str) -> Iterator[None]:
        """Let an error of the block fail just this day, unless it has nothing to do with the day."""
        try:
            yield
        except Exception as error:
            if not self.are_many or is_of_all_days(error):
                raise
            self._context.log.error(f"{self._asset.to_user_string()} of {day} failed", exc_info=True)
            self.fail(day, f"{self._asset.to_user_string()}: {reason_of(error)}")
        else:
            self._report(day)

    def fail(self, day: str, reason: str) -> None:
        """Leave the day out from now on, also in the steps to come."""
        self._failed[day] = reason
        self._context.log.error(f"{day} failed and is left out of the rest of this run: {reason}")
        self._context.log_event(
            dg.AssetObservation(self._asset, description=reason, partition=day, metadata={_FAILURE: reason})
        )

    def show(self, day: str, metadata: Mapping[str, Any]) -> None:
        """Put this on the page of the day, whoever makes its materialisation: Dagster or `materialised`."""
        self._shown[day] = metadata
        if isinstance(self._step, dg.AssetExecutionContext):
            self._step.add_asset_metadata(metadata, partition_key=day)

    def materialised(self, day: str) -> Iterator[dg.AssetMaterialization]:
        """In a run of many days, show a day as soon as it is done."""
        if self.are_many:
            yield dg.AssetMaterialization(self._asset, partition=day, metadata=self._shown.get(day))

    def money_moved(self) -> dg.MaterializeResult[Any]:
        """The result of a step that has called `materialised` for each of its days."""
        return dg.MaterializeResult(metadata=dagster_private.EVENTS_ARE_OURS if self.are_many else None)

    def frames(self, frames: Mapping[str, Any]) -> Iterator[dg.AssetMaterialization | dg.Output[Any]]:
        """A frame for each day that has not failed, for the IO manager. Dagster shows them, unless a day is missing."""
        if self._failed:
            yield dg.Output(frames, metadata=dagster_private.EVENTS_ARE_OURS)
            for day in frames:
                yield from self.materialised(day)
        else:
            yield dg.Output(frames)

    def end(self) -> None:
        """Fail with the names of the days that failed, if no step of the run comes after this one."""
        if self._failed and self._context.op.name == _steps(self._context)[-1]:
            others = ", and the others went on without them" if len(self._failed) < len(self._all) else ""
            raise DaysFailed(
                f"{len(self._failed)} of {len(self._all)} days failed{others}. "
                f"{_by_reason(self._failed)} Fix the cause and materialise just these days again.",
                metadata={"failed_days": sorted(self._failed)},
                allow_retries=False,
            )

    def _report(self, day: str) -> None:
        if self.are_many:
            number = self._all.index(day) + 1
            self._context.log.info(
                f"{self._asset.to_user_string()} of {day} is done: {number} of {len(self._all)} days"
            )


def reason_of(error: BaseException) -> str:
    """Why something failed: our sentence; the text of an error that is not ours may hold what nobody should be sent."""
    found: BaseException | None = error
    while found:
        if isinstance(found, PayoutsError):
            return str(found)
        found = found.__cause__
    return f"{type(error).__name__}; the log of the run says more."


def is_of_all_days(error: Exception) -> bool:
    """Whether the database or the bus is gone, or the bus turns us away."""
    # Not at import: botocore takes time that loading the definitions should not.
    from payouts_pipeline.aws.errors import AwsError

    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        state = error.sqlstate
        return state is None or (state.startswith(_SERVER_GONE) and state != _TOOK_TOO_LONG)
    return isinstance(error, AwsError)


def failed_days(
    instance: dg.DagsterInstance, run: dg.DagsterRun, redone: frozenset[str] = frozenset()
) -> dict[str, str]:
    """The days that steps of the run have failed so far, with the reason.

    Of a run that continues another that failed, also those of the steps that it has taken over as they were.
    """
    entries = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_OBSERVATION)
    observations = [entry.asset_observation for entry in entries if entry.step_key not in redone]
    noted = {
        str(each.partition): str(each.metadata[_FAILURE].value)
        for each in observations
        if each and _FAILURE in each.metadata
    }
    if not run.parent_run_id or not dagster_private.takes_over(run):
        return noted
    parent, redone = instance.get_run_by_id(run.parent_run_id), redone | dagster_private.planned_steps(instance, run)
    return (failed_days(instance, parent, redone) if parent else {}) | noted


def _steps(context: dg.OpExecutionContext) -> list[str]:
    """The steps that the run has, in their order."""
    chosen = context.run.step_keys_to_execute or context.job_def.graph.node_dict
    return [step for step in STEPS if step in chosen]


def _by_reason(failed: Mapping[str, str]) -> str:
    days: dict[str, list[str]] = {}
    for day in sorted(failed):
        days.setdefault(failed[day], []).append(day)
    return " ".join(f"{', '.join(of_reason)}: {reason}" for reason, of_reason in days.items())
