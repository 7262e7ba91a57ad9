"""Every query has one name, says what it is for, and is used."""

import re
from pathlib import Path

import pytest

import payouts_pipeline
from payouts_pipeline import queries

_ROOT = Path(payouts_pipeline.__file__).parent
_FILES = {
    file.relative_to(_ROOT).as_posix(): queries.parse(file.read_text("utf-8"))
    for room in ("league", "ledger", "reports", "local/season")
    for file in sorted((_ROOT / room).rglob("*.sql"))
}
_QUERIES = [(name, text) for of_file in _FILES.values() for name, text in of_file]
_CODE = "\n".join(file.read_text("utf-8") for file in sorted(_ROOT.rglob("*.py")))


def test_each_name_stands_once() -> None:
    names = [name for name, _ in _QUERIES]
    assert names
    assert [name for name in names if names.count(name) > 1] == []


@pytest.mark.parametrize(("name", "text"), _QUERIES, ids=[name for name, _ in _QUERIES])
def test_a_query_says_what_it_is_for(name: str, text: str) -> None:
    assert re.match(r"-- \S", text), name
    assert re.sub(r"--.*", "", text).strip(), name


def test_every_query_is_used() -> None:
    used = set(re.findall(r'sql\(\s*"(\w+)"\s*\)', _CODE)) | _of_the_auditor()
    assert sorted({name for name, _ in _QUERIES} - used) == []


def _of_the_auditor() -> set[str]:
    from payouts_pipeline.reports.audit import QUERIES

    return {f"audit_{query.name}" for query in QUERIES}


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(KeyError, match="no_such_query"):
        queries.Queries("payouts_pipeline.ledger", "sql")("no_such_query")
