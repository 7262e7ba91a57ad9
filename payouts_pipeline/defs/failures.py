"""Why a run did not go well, in one sentence for people: no secret, no name, no stack trace."""

from collections.abc import Iterator, Sequence

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from payouts_pipeline.defs.check_catalogue import BLOCKING

# What we raise for people to read; of any other error even the message may hold what nobody should be sent.
_MADE_FOR_PEOPLE = ("PayoutsError", "AwsError", "DaysFailed")
_LONGEST = 400


def why_failed(instance: dg.DagsterInstance, run_id: str) -> str:
    """The reason of a failed run: what we said, else its failed checks, else the kind of error, else Dagster's word.

    What we said of one day must not hide what the auditor has found of another.
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


def _also_failed(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """The failed checks that stopped no day, in a sentence; those that did are told of with their day."""
    failed = _failed_evaluations(instance, run_id)
    others = [each for each in failed if (each.asset_key.to_user_string(), each.check_name) not in BLOCKING]
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


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
