"""The list of guards is one of this code: each can be taken out, and the tests that must notice are there."""

import re
from pathlib import Path

import pytest

from payouts_tests.mutants.guards import GUARDS, Guard

_TREE = Path(__file__).resolve().parents[2]
_DEFINED = re.compile(r"create (?:or replace )?function (payouts\.\w+)\(.*?\n\$\$;", re.DOTALL)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_the_text_of_a_guard_stands_once_in_its_file(guard: Guard) -> None:
    assert (_TREE / guard.file).read_text("utf-8").count(guard.old) == 1
    assert guard.new != guard.old


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_those_who_notice_are_there(guard: Guard) -> None:
    missing = [test for test in guard.noticed_by if not (_TREE / test.partition("::")[0]).exists()]
    assert guard.noticed_by
    assert not missing


@pytest.mark.parametrize(
    "guard", [each for each in GUARDS if "/migrations/" in each.file], ids=lambda guard: guard.name
)
def test_the_function_that_a_guard_is_of_is_not_replaced_later(guard: Guard) -> None:
    """What a later migration replaces does not decide any more."""
    file = _TREE / guard.file
    text = file.read_text("utf-8")
    at = text.index(guard.old)
    within = [each[1] for each in _DEFINED.finditer(text) if each.start() <= at < each.end()]
    later = [other.read_text("utf-8") for other in file.parent.iterdir() if other.name > file.name]
    assert not [name for name in within if any(f"function {name}(" in each for each in later)]
