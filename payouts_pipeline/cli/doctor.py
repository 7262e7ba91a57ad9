"""The command `doctor`: whether a night could be paid."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from payouts_pipeline.cli import parameters, rendering, start_up
from payouts_pipeline.cli.start_up import Need

if TYPE_CHECKING:
    from payouts_pipeline.reports.doctor.diagnosis import Diagnosis
    from payouts_pipeline.reports.doctor.setup import Setup

_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.command()
@parameters.as_json
def doctor(as_json: bool) -> None:
    """Say whether a night could be paid: a line for each thing that it needs, with what to do where it is not right.

    Looks at the environment, the databases, topic and queues, storage, Stripe, clocks and versions. Writes, sends and
    pins nothing. Exit code 0 means that no line is a problem.
    """
    from payouts_pipeline.reports.doctor.examination import examine

    found = []
    with _setup() as setup:
        for diagnosis in examine(setup):
            found.append(diagnosis)
            if not as_json:
                _show(diagnosis)
    problems = sum(each.state == "problem" for each in found)
    if as_json:
        rendering.document({"ready": not problems, "findings": [each.as_json() for each in found]})
    else:
        rendering.line(_verdict(problems, sum(each.state == "warning" for each in found)))
    sys.exit(1 if problems else 0)


@contextmanager
def _setup() -> "Iterator[Setup]":
    from payouts_pipeline.reports.doctor.setup import Setup

    is_elsewhere = start_up.moves_no_money()
    needs = [need for need in Need if need != Need.STRIPE or not is_elsewhere]
    with start_up.to_look_at(needs) as (embedded, broken):
        yield Setup(
            frozenset(map(str, embedded)),
            {str(need): why for need, why in broken.items()},
            start_up.dagster_yaml(),
            is_elsewhere,
        )


def _show(diagnosis: "Diagnosis") -> None:
    to_do = f": {diagnosis.to_do}" if diagnosis.to_do else ""
    sentence = f"{diagnosis.found}{to_do}"
    rendering.marked(diagnosis.state, _COLOURS[diagnosis.state], f"{diagnosis.subject}: {sentence}")


def _verdict(problems: int, warnings: int) -> str:
    counted = f"{_counted(problems, 'problem')}, {_counted(warnings, 'warning')}"
    return f"{'No night could be paid' if problems else 'A night could be paid'}: {counted}."


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
