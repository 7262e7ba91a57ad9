"""The table "I want to" of the README against what Dagster shows: no cell of the UI is empty, and each job is real."""

import re
from pathlib import Path

import dagster as dg
import pytest

from payouts_tests.support.pressing import production

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
ROWS = [
    row.strip("| ").split(" | ")
    for row in re.findall(r"(?m)^\| .*$", README.split("| I want to |")[1].split("\n\n")[0])
]
JOBS = {job.name: job for job in production().resolve_all_job_defs() if not job.name.startswith("__")}
BUTTONS = sorted(set(JOBS) - {"pay_out_day"})


def test_whatever_one_wants_can_be_done_in_the_ui() -> None:
    assert len(ROWS) > 20
    assert [row for row in ROWS if len(row) != 3 or not row[1].strip()] == []


def test_the_table_names_each_job_and_no_other() -> None:
    named = {name for _, in_ui, _ in ROWS for name in re.findall(r"`(\w+)`", in_ui.partition("job")[2])}
    assert named - {"is_full"} == set(BUTTONS)


@pytest.mark.parametrize("name", sorted(set(BUTTONS) - {"check_setup"}))
def test_each_form_says_what_it_takes(name: str) -> None:
    job = JOBS[name]
    assert job.description
    [node] = job.nodes
    config = node.definition.config_schema.config_type  # type: ignore[union-attr]
    assert isinstance(config, dg.Shape)
    assert [field for field, of in config.fields.items() if not of.description] == []
    confirmed = config.fields.get("is_confirmed")
    assert confirmed is None or confirmed.default_value is False
