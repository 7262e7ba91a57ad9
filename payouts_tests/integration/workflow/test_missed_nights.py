"""Nights that came to nothing, and runs whose process is gone: the sensor sees to both, and to nothing else."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from payouts_pipeline.defs.build import build_defs
from payouts_pipeline.defs.resources import LedgerResource
from payouts_pipeline.defs.runs import end_lost_runs, held_by
from payouts_pipeline.defs.sensors import last_night_over
from payouts_pipeline.ledger.database import Connection
from payouts_tests.conftest import Connect
from payouts_tests.support.leagues import LAST_NIGHT, NOON


def nights_ago(number: int) -> date:
    return LAST_NIGHT - timedelta(days=number)


def booked(ledger: Connection, *nights: int) -> None:
    """Let days count as booked, without matches, each in the morning after it."""
    mornings = [(nights_ago(each), datetime.combine(nights_ago(each - 1), time(3), NOON)) for each in nights]
    ledger.cursor().executemany("insert into payouts.days (day, first_booked_at) values (%s, %s)", mornings)


@cache
def sensor_on(start_date: str, window_days: str) -> tuple[dg.SensorDefinition, dg.RepositoryDefinition]:
    environment = {"PAYOUTS_START_DATE": start_date, "PAYOUTS_CORRECTION_WINDOW_DAYS": window_days}
    defs = build_defs(environment | {"PAYOUTS_TIMEZONE": NOON.key})
    return defs.resolve_sensor_def("resume_payouts"), defs.get_repository_def()


def tick(
    database_url: str, instance: dg.DagsterInstance, start_date: str = "2026-01-01", window_days: str = "30"
) -> dict[str | None, str | None]:
    """Day and run key of what one tick of the production sensor asks for."""
    sensor, repository = sensor_on(start_date, window_days)
    ledger = LedgerResource(database_url=database_url, source_url=database_url)
    context = dg.build_sensor_context(instance=instance, repository_def=repository, resources={"ledger": ledger})
    return {request.partition_key: request.run_key for request in sensor.evaluate_tick(context).run_requests or []}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def test_nights_that_came_to_nothing_are_made_up_for(
    ledger: Connection, database_url: str, instance: dg.DagsterInstance
) -> None:
    booked(ledger, 5, 3, 2)
    asked = tick(database_url, instance)
    assert list(asked) == [str(nights_ago(4)), str(nights_ago(1)), str(LAST_NIGHT)]
    assert tick(database_url, instance) == asked, "the same run keys, which Dagster runs once"
    hour = datetime.now(UTC).strftime("T%H")
    assert [hour in str(key) for key in asked.values()] == [False, False, True], "an older one once a day"
    booked(ledger, 4, 1, 0)
    assert tick(database_url, instance) == {}


def test_a_new_installation_does_not_go_back_in_time_whichever_day_is_tried_first(
    ledger: Connection, database_url: str, instance: dg.DagsterInstance
) -> None:
    assert tick(database_url, instance) == {}
    ledger.execute("insert into payouts.days (day) values (%s)", (nights_ago(20),))
    assert list(tick(database_url, instance)) == [str(LAST_NIGHT)]
    booked(ledger, 0)
    assert tick(database_url, instance) == {}


def test_only_the_days_of_the_window_are_made_up_for_and_last_night_always(
    ledger: Connection, database_url: str, instance: dg.DagsterInstance
) -> None:
    booked(ledger, 9)
    days = [str(nights_ago(number)) for number in (2, 1, 0)]
    assert list(tick(database_url, instance, window_days="3")) == days
    assert list(tick(database_url, instance, window_days="0")) == days[2:]
    assert list(tick(database_url, instance, start_date=days[1])) == days[1:]


def test_a_night_that_a_run_makes_up_for_is_left_to_it(
    ledger: Connection, database_url: str, instance: dg.DagsterInstance
) -> None:
    booked(ledger, 2)
    tags = {"dagster/partition": str(LAST_NIGHT)}
    instance.add_run(dg.DagsterRun("pay_out_day", tags=tags, status=dg.DagsterRunStatus.STARTING))
    assert list(tick(database_url, instance)) == [str(nights_ago(1))]


@pytest.mark.parametrize(
    ("local", "day"),
    [
        ("2026-03-28T03:59", "2026-03-26"),
        ("2026-03-28T04:00", "2026-03-27"),
        # Nights of 23 and 25 hours.
        ("2026-03-29T03:59", "2026-03-27"),
        ("2026-03-29T04:00", "2026-03-28"),
        ("2026-10-25T03:59", "2026-10-23"),
        ("2026-10-25T04:00", "2026-10-24"),
    ],
)
def test_a_night_is_over_when_the_hour_of_the_schedule_is(local: str, day: str) -> None:
    rome = ZoneInfo("Europe/Rome")
    now = datetime.fromisoformat(local).replace(tzinfo=rome).astimezone(UTC)
    assert last_night_over(now, rome) == date.fromisoformat(day)


def status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found
    return found.status


def started(instance: dg.DagsterInstance, tags: dict[str, str]) -> dg.DagsterRun:
    """A run of last night that is under way, as `payouts run` makes it."""
    of_day = {"dagster/partition": str(LAST_NIGHT)}
    return instance.add_run(dg.DagsterRun("pay_out_day", tags=tags | of_day, status=dg.DagsterRunStatus.STARTED))


def test_a_run_ends_with_its_process_and_its_day_is_taken_up(
    connect: Connect, database_url: str, instance: dg.DagsterInstance
) -> None:
    booked(connect(), 1)
    own = started(instance, {})
    with held_by(connect) as tags:
        run = started(instance, tags)
        assert tick(database_url, instance) == {}
        assert status(instance, run) == dg.DagsterRunStatus.STARTED
    instance.report_run_canceled(own)
    assert list(tick(database_url, instance)) == [str(LAST_NIGHT)]
    assert status(instance, run) == dg.DagsterRunStatus.FAILURE


def test_only_what_is_of_this_ledger_and_of_the_command_line_is_ended(
    ledger: Connection, connect: Connect, instance: dg.DagsterInstance
) -> None:
    with held_by(connect) as tags:
        pass
    others = [started(instance, {}), started(instance, tags | {"payouts/ledger": "another"})]
    lost = started(instance, tags)
    end_lost_runs(instance, ledger)
    assert [status(instance, run) for run in others] == [dg.DagsterRunStatus.STARTED] * 2
    assert status(instance, lost) == dg.DagsterRunStatus.FAILURE
