"""The sensor that resumes days: it fires when something can continue, not before, and not twice for the same."""

from datetime import date, datetime, timedelta
from functools import cache

import dagster as dg
import pytest

from payouts_pipeline.defs.build import build_defs
from payouts_pipeline.defs.resources import LedgerResource
from payouts_pipeline.ledger.database import Connection, sql
from payouts_tests.support.leagues import DAY, SYDNEY, League
from payouts_tests.support.ledger_steps import (
    Decide,
    book,
    claim,
    ids,
    materialise,
    pass_time,
    rejected,
    release,
    settle,
    unknown,
    waiting,
)


@pytest.fixture(autouse=True)
def every_night_was_booked(ledger: Connection) -> None:
    """None was missed, which would fire the sensor, too; see `test_missed_nights.py`."""
    today = datetime.now(SYDNEY).date()
    days = [(today - timedelta(days=number),) for number in range(40)]
    ledger.cursor().executemany("insert into payouts.days (day) values (%s)", days)


@pytest.fixture
def player(ledger: Connection, source: Connection, league: League) -> int:
    player = league.player(customer="cus_1", method="pm_1")
    league.fee(player, DAY)
    book(ledger, source, DAY)
    return player


@cache
def _production() -> tuple[dg.SensorDefinition, dg.RepositoryDefinition]:
    defs = build_defs({})
    return defs.resolve_sensor_def("resume_payouts"), defs.get_repository_def()


def _tick(database_url: str, moving: date | None = None) -> list[tuple[str | None, str | None]]:
    """Run key and partition of what one tick of the production sensor asks for, while a run moves a day."""
    sensor, repository = _production()
    ledger = LedgerResource(database_url=database_url, source_url=database_url)
    with dg.DagsterInstance.ephemeral() as instance:
        if moving:
            tags = {"dagster/partition": moving.isoformat()}
            instance.add_run(dg.DagsterRun("pay_out_day", tags=tags, status=dg.DagsterRunStatus.STARTED))
        context = dg.build_sensor_context(instance=instance, repository_def=repository, resources={"ledger": ledger})
        requests = sensor.evaluate_tick(context).run_requests or []
    return [(request.run_key, request.partition_key) for request in requests]


def test_a_settled_day_is_left_alone(
    ledger: Connection, source: Connection, league: League, database_url: str, player: int
) -> None:
    materialise(ledger, source, DAY)
    pass_time(ledger, 1_000)
    assert _tick(database_url) == []


@pytest.mark.parametrize("decide", [waiting, rejected])
def test_a_new_card_fires_once_and_time_before_it_does_not(
    ledger: Connection, league: League, database_url: str, player: int, decide: Decide
) -> None:
    settle(ledger, None, decide)
    assert _tick(database_url) == []
    league.set("players", player, stripe_payment_method_id="pm_2")
    first = _tick(database_url)
    assert [partition for _, partition in first] == [DAY.isoformat()]
    assert _tick(database_url) == first, "the same state has the same run key, which Dagster runs once"


def test_what_waits_fires_when_its_time_has_come(ledger: Connection, database_url: str, player: int) -> None:
    settle(ledger, None, waiting)
    pass_time(ledger, 0.9)
    assert _tick(database_url) == []
    pass_time(ledger, 0.2)
    assert [partition for _, partition in _tick(database_url)] == [DAY.isoformat()]


def test_an_unknown_outcome_and_a_worker_that_died_fire(ledger: Connection, database_url: str, player: int) -> None:
    settle(ledger, None, unknown)
    pass_time(ledger, 2)
    (asked,) = _tick(database_url)
    claim(ledger, ids(ledger))
    assert _tick(database_url) == [], "a worker has it"
    pass_time(ledger, 1)
    (lost,) = _tick(database_url)
    assert lost != asked


def test_a_message_that_nobody_took_fires_after_a_while(ledger: Connection, database_url: str, player: int) -> None:
    assert _tick(database_url) == [], "a run may be publishing it just now"
    pass_time(ledger, 0.3)
    assert [partition for _, partition in _tick(database_url)] == [DAY.isoformat()]


def test_a_charge_that_settled_after_its_run_had_ended_fires(
    ledger: Connection, source: Connection, database_url: str, player: int
) -> None:
    settle(ledger)
    assert _tick(database_url) == [], "its own run is about to pay it out"
    pass_time(ledger, 0.3)
    assert [partition for _, partition in _tick(database_url)] == [DAY.isoformat()]
    materialise(ledger, source, DAY)
    pass_time(ledger, 0.3)
    assert _tick(database_url) == []


def test_a_fleet_that_settles_after_the_run_has_ended_fires_until_the_shares_are_paid(
    ledger: Connection, source: Connection, database_url: str, player: int
) -> None:
    release(ledger, source, DAY)
    assert ids(ledger, DAY, "settled") == [], "with PAYOUTS_WORKERS=0, the run ends with its charge open"
    settle(ledger)
    pass_time(ledger, 0.3)
    asked = _tick(database_url)
    assert [partition for _, partition in asked] == [DAY.isoformat()]
    assert _tick(database_url) == asked, "the same run key, which Dagster runs once"
    release(ledger, source, DAY)
    assert _tick(database_url) == [], "the payout is on its way"
    settle(ledger)
    pass_time(ledger, 0.3)
    assert _tick(database_url) == []


def test_a_day_that_a_run_is_moving_is_left_to_it(ledger: Connection, database_url: str, player: int) -> None:
    pass_time(ledger, 0.3)
    assert _tick(database_url, moving=DAY) == []
    assert [partition for _, partition in _tick(database_url, moving=DAY + timedelta(days=1))] == [DAY.isoformat()]


def test_a_day_before_the_first_does_not_keep_the_others_from_going_on(
    ledger: Connection, source: Connection, league: League, database_url: str, player: int
) -> None:
    before_the_first = date(2025, 12, 31)
    league.fee(league.player(), before_the_first)
    book(ledger, source, before_the_first)
    pass_time(ledger, 0.3)
    assert [partition for _, partition in _tick(database_url)] == [DAY.isoformat()]


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("days_due", {"lost_after": timedelta(minutes=15)}),
        ("blocked_instructions", {"day": None, "waits_for_funds": []}),
        ("funds_queue", {"day": None, "codes": ["funds_pending"]}),
    ],
)
def test_what_is_open_is_found_without_a_look_at_all_that_has_settled(
    ledger: Connection, player: int, query: str, parameters: dict[str, object]
) -> None:
    # So few rows are read from end to end, unless that is forbidden.
    ledger.execute("set enable_seqscan = off")
    plan = "\n".join(row[0] for row in ledger.execute(f"explain {sql(query)}", parameters))
    assert "on instructions_waiting" in plan
    assert "Seq Scan on instructions" not in plan


def test_what_of_our_balance_is_spoken_for_is_found_without_a_look_at_all_that_has_settled(
    ledger: Connection, player: int
) -> None:
    ledger.execute("set enable_seqscan = off")
    plan = "\n".join(row[0] for row in ledger.execute(f"explain {sql('funds_spoken_for')}", {"day": DAY}))
    assert "on instructions_in_progress" in plan
    assert "Seq Scan on instructions" not in plan
