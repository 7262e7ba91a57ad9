"""What a look says: that something is right, or what is wrong with it and what to do."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import psycopg

from payouts_pipeline.errors import PayoutsError


class State(StrEnum):
    """How bad it is: with a problem no night is paid."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Diagnosis:
    """What was found of a subject, and in one sentence what to do where it is not ok.

    ``figures`` are counts, seconds and minor units. ``ends``: what builds on the subject can't be looked at.
    """

    subject: str
    state: State
    found: str
    to_do: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    ends: bool = False

    def as_json(self) -> dict[str, Any]:
        """As `payouts doctor --json` has it."""
        document = asdict(self)
        del document["ends"]
        return document


def ok(subject: str, found: str, **figures: Any) -> Diagnosis:
    """It is as it should be."""
    return Diagnosis(subject, State.OK, found, figures=figures)


def warning(subject: str, found: str, to_do: str, *, ends: bool = False, **figures: Any) -> Diagnosis:
    """A night can be paid, but somebody should know."""
    return Diagnosis(subject, State.WARNING, found, to_do, figures, ends)


def problem(subject: str, found: str, to_do: str, *, ends: bool = False, **figures: Any) -> Diagnosis:
    """No night can be paid, or not rightly."""
    return Diagnosis(subject, State.PROBLEM, found, to_do, figures, ends)


def failed(subject: str, error: Exception) -> Diagnosis:
    """A look that could not be made; of an error that is not meant for people just its kind: it may hold a secret."""
    if isinstance(error, PayoutsError):
        return problem(subject, *halves(str(error)), ends=True)
    said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    found = f"it could not be looked at ({said or type(error).__name__})"
    return problem(subject, found, "fix that, and look again.", ends=True)


def halves(sentence: str) -> tuple[str, str]:
    """What is wrong and what to do: the sentences of `PayoutsError` have a colon between them, outside of brackets."""
    depth = 0
    for place, character in enumerate(sentence):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and sentence.startswith(": ", place):
            return sentence[:place], sentence[place + 2 :]
    return sentence, "fix that, and look again."
