"""What Dagster's instance knows of runs: which days they are about, which of them are lost, and why one failed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import dagster as dg

from payouts_pipeline.defs import check_catalogue, dagster_private
from payouts_pipeline.defs.dagster_private import SerializableErrorInfo
from payouts_pipeline.defs.partitions import DAYS_PER_RUN
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.locks import Connect, ledger_name, only_holder_of, was_let_go

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

# A run of `payouts run` lives in that process: if it is killed, it can't say that its run is over, and Dagster would
# take it for running for a day, in which nothing else that moves money could start. So it says in a tag who holds it:
# a lock of a session with the ledger, which goes with the process, on any machine.
_HOLDER = "payouts/held_by"
# Other installations may use the same instance; whether their sessions live, only their own ledger knows.
_LEDGER = "payouts/ledger"
_LOST = "The process of 'payouts run' ended before its run did. Materialise its days again: nobody is paid twice."

# What we raise for people to read; of any other error even the message may hold what nobody should be sent.
_MADE_FOR_PEOPLE = ("PayoutsError", "AwsError", "DaysFailed")
_LONGEST_REASON = 400


def days_in_progress(instance: dg.DagsterInstance) -> set[date]:
    """The days of all runs that have not ended, also of backfills that wait for their turn."""
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=UNFINISHED))
    return {day for run in runs for day in dagster_private.days_of(run)}


def last_run_of(instance: dg.DagsterInstance, day: date) -> dg.DagsterRun | None:
    """The newest run that has the day, by itself or as one of many."""
    found = dagster_private.runs_of(instance, day, DAYS_PER_RUN)
    return max(found, key=lambda record: record.storage_id).dagster_run if found else None


@contextmanager
def held_by(connect: Connect) -> Iterator[dict[str, str]]:
    """The tags for runs of this process; they count as lost when it ends.

    Dagster must not start such a run again: it can't, but would say so, and no alert would come.
    """
    with connect() as ledger:
        name = ledger_name(ledger)
    with only_holder_of(connect) as number:
        yield {_LEDGER: name, _HOLDER: str(number), **dagster_private.NEVER_RETRIED}


def end_lost_runs(instance: dg.DagsterInstance, ledger: Connection) -> None:
    """Mark the runs of processes that are gone as failed, so that their places become free."""
    ours = dg.RunsFilter(statuses=UNFINISHED, tags={_LEDGER: ledger_name(ledger)})
    for run in instance.get_runs(filters=ours):
        # One that the UI has made again has the tags, but lives where Dagster has started it.
        if dagster_private.location_of(run) is None and was_let_go(ledger, int(run.tags[_HOLDER])):
            instance.report_run_failed(run, _LOST)


def why_failed(instance: dg.DagsterInstance, run_id: str) -> str:
    """The reason of a failed run: what we said, else its failed checks, else the kind of error, else Dagster's word.

    For people outside: no secret, no name, no stack trace. What we said of one day must not hide what the auditor has
    found of another.
    """
    failures = [
        (event.step_key, list(error_chain(event.step_failure_data.error)))
        for event in _events(instance, run_id, dg.DagsterEventType.STEP_FAILURE)
        if event.step_failure_data.error
    ]
    for step, chain in failures:
        if ours := our_sentence(chain):
            return " ".join([_shortened(f"{step}: {ours}"), *_also_failed(instance, run_id)])
    if checks := failed_checks(instance, run_id):
        return checks
    for step, chain in failures:
        return f"{step}: {chain[-1].cls_name or 'an unknown error'}; the log of the run says more"
    said = [event.message or "" for event in _events(instance, run_id, dg.DagsterEventType.RUN_FAILURE)]
    return _shortened(first_line(said[-1])) if said else "Dagster gives no reason"


def failed_checks(instance: dg.DagsterInstance, run_id: str) -> str | None:
    """The checks of severity ERROR that failed in a run, with what they say; None where there are none."""
    failed = _failed_evaluations(instance, run_id)
    return _named(failed) if failed else None


def our_sentence(chain: Sequence[SerializableErrorInfo]) -> str | None:
    """What we said, somewhere among an error and its causes; None where none of them is ours."""
    ours = next((error for error in chain if error.cls_name in _MADE_FOR_PEOPLE), None)
    return first_line(ours.message).split(": ", 1)[-1] if ours else None


def error_chain(error: SerializableErrorInfo) -> Iterator[SerializableErrorInfo]:
    """An error, and what caused it."""
    yield error
    if error.cause:
        yield from error_chain(error.cause)


def first_line(text: str) -> str:
    """The first line of an error's message, which starts with its type; the others may quote data."""
    return (text.strip().splitlines() or [""])[0]


def _also_failed(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """The failed checks that stopped no day, in a sentence; those that did are named with their day."""
    failed, blocking = _failed_evaluations(instance, run_id), check_catalogue.blocking()
    others = [each for each in failed if (each.asset_key.to_user_string(), each.check_name) not in blocking]
    return [f"Besides, {_named(others)}"] if others else []


def _failed_evaluations(instance: dg.DagsterInstance, run_id: str) -> list[dg.AssetCheckEvaluation]:
    evaluations = [
        event.asset_check_evaluation_data
        for event in _events(instance, run_id, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    ]
    return [each for each in evaluations if not each.passed and each.severity == dg.AssetCheckSeverity.ERROR]


def _named(failed: Sequence[dg.AssetCheckEvaluation]) -> str:
    names = ", ".join(dict.fromkeys(f"{each.asset_key.to_user_string()}/{each.check_name}" for each in failed))
    return _shortened(f"check {names} failed: {first_line(failed[0].description or 'see its figures')}")


def _events(instance: dg.DagsterInstance, run_id: str, kind: dg.DagsterEventType) -> Sequence[dg.DagsterEvent]:
    records = instance.get_records_for_run(run_id, of_type=kind).records
    return [record.event_log_entry.get_dagster_event() for record in records]


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 3]}..."
