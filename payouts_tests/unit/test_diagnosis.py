"""What a look says: halves of sentences, clocks, and which variables there are."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from payouts_pipeline import settings
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.reports.doctor import variables
from payouts_pipeline.reports.doctor.clocks import compared
from payouts_pipeline.reports.doctor.diagnosis import State, failed, halves
from payouts_pipeline.settlement.stripe_client import API_VERSION

NOW = datetime(2026, 5, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sentence", "found", "to_do"),
    [
        ("X is wrong: set it.", "X is wrong", "set it."),
        ("It can't be reached (failed: refused): see that it runs.", "It can't be reached (failed: refused)", None),
        ("No such stack at http://a:1: run 'payouts deploy'.", "No such stack at http://a:1", "run 'payouts deploy'."),
        ("One sentence.", "One sentence.", "fix that, and look again."),
    ],
)
def test_what_is_wrong_and_what_to_do(sentence: str, found: str, to_do: str | None) -> None:
    assert halves(sentence) == (found, to_do or "see that it runs.")


def test_an_error_that_is_not_for_people_is_not_quoted() -> None:
    assert "hush" not in str(failed("storage", ValueError("hush")))
    assert failed("storage", PayoutsError("It is away: start it.")).to_do == "start it."


@pytest.mark.parametrize(
    ("skew_s", "state"),
    [(0, "ok"), (59, "ok"), (-59, "ok"), (62, "warning"), (-62, "warning"), (1802, "problem"), (-1802, "problem")],
)
def test_a_clock_may_be_a_minute_away_and_never_half_an_hour(skew_s: int, state: str) -> None:
    found = compared("clock", NOW + timedelta(seconds=skew_s), NOW, NOW)
    assert found.state == State(state)


def test_an_answer_that_took_long_says_nothing_of_a_clock() -> None:
    found = compared("clock", NOW + timedelta(seconds=70), NOW, NOW + timedelta(seconds=140))
    assert (found.state, found.figures) == (State.OK, {"skew_s": 0})


def test_every_variable_of_the_settings_is_known() -> None:
    named = set(re.findall(r"PAYOUTS_[A-Z_]+", Path(settings.__file__).read_text("utf-8")))
    assert named <= variables.KNOWN


def test_the_readme_names_the_version_that_every_call_names() -> None:
    assert f"`{API_VERSION}`" in (Path(__file__).parents[2] / "README.md").read_text("utf-8")
