"""Whichever way days are materialised, the ledger says the same afterwards, and Stripe has moved the same money."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from payouts_tests.support.materialising import by_schedule, day_by_day, in_one_run, ledger_of
from payouts_tests.support.worlds import FIRST_DAY, YESTERDAY, World, Worlds

DAYS = [FIRST_DAY + timedelta(days=number) for number in range((YESTERDAY - FIRST_DAY).days + 1)]

Result = tuple[dict[str, list[tuple[Any, ...]]], list[tuple[Any, ...]]]


def result_of(world: World) -> Result:
    journal = [
        (row.kind, row.amount, row.currency, row.customer, row.destination, row.idempotency_key)
        for row in world.emulator().journal()
    ]
    return ledger_of(world.connect()), sorted(journal, key=repr)


@pytest.fixture(scope="module")
def expected(worlds: Worlds) -> Result:
    """The days in turn, each in a run of its own."""
    world = worlds.make()
    day_by_day(world, DAYS)
    return result_of(world)


def one_run(world: World, days: Sequence[date]) -> None:
    in_one_run(world, days[0], days[-1])


def the_money_assets_after_the_others(world: World, days: Sequence[date]) -> None:
    day_by_day(world, days, ["matches", "splits"])
    day_by_day(world, days, ["collected_fees", "settled_payouts", "stripe_activity"])


@pytest.mark.parametrize("materialise", [one_run, by_schedule, the_money_assets_after_the_others])
def test_every_way_gives_the_same_ledger(
    worlds: Worlds, expected: Result, materialise: Callable[[World, Sequence[date]], None]
) -> None:
    world = worlds.make()
    materialise(world, DAYS)
    ledger, journal = result_of(world)
    for table, rows in expected[0].items():
        assert ledger[table] == rows, table
    assert journal == expected[1]


def test_the_latest_day_first_moves_the_same_money(worlds: Worlds, expected: Result) -> None:
    """Only which charge asks for the fees of a card that was refused depends on the order: the newest that was made."""
    world = worlds.make()
    day_by_day(world, list(reversed(DAYS)))
    ledger, journal = result_of(world)
    for table in ("accounts", "shares"):
        assert ledger[table] == expected[0][table], table
    assert _settled(ledger) == _settled(expected[0])
    assert journal == expected[1]


def _settled(ledger: dict[str, list[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    return [row for row in ledger["instructions"] if "settled" in row]


def test_a_second_run_of_a_range_changes_nothing(worlds: Worlds) -> None:
    world = worlds.make()
    in_one_run(world, DAYS[0], DAYS[-1])
    before, counters = result_of(world), world.emulator().counters()
    in_one_run(world, DAYS[0], DAYS[-1])
    assert result_of(world) == before
    assert world.emulator().counters() == counters
