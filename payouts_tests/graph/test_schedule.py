"""The nightly schedule: every local day exactly once, also where clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.definitions.schedule_definition import ScheduleExecutionData
from dagster._utils.schedules import schedule_execution_time_iterator

from payouts_pipeline.defs.schedules import SCHEDULE
from payouts_tests.support.definitions_for_tests import definitions, instance

# Each has clocks going back and forward. In Rome the hour before three is skipped, and doubled; in Helsinki the hour
# that begins at three; in Santiago midnight, so that a day begins at one.
CHANGES = [
    ("Australia/Sydney", date(2026, 4, 3), date(2026, 4, 7)),
    ("Australia/Sydney", date(2026, 10, 2), date(2026, 10, 6)),
    ("Europe/London", date(2026, 3, 27), date(2026, 3, 31)),
    ("Europe/London", date(2026, 10, 23), date(2026, 10, 27)),
    ("Europe/Rome", date(2026, 3, 27), date(2026, 3, 31)),
    ("Europe/Rome", date(2026, 10, 23), date(2026, 10, 27)),
    ("America/Santiago", date(2026, 4, 3), date(2026, 4, 7)),
    ("America/Santiago", date(2026, 9, 4), date(2026, 9, 8)),
    ("Europe/Helsinki", date(2026, 3, 27), date(2026, 3, 31)),
    ("Europe/Helsinki", date(2026, 10, 23), date(2026, 10, 27)),
]


def tick(defs: dg.Definitions, at: datetime) -> ScheduleExecutionData:
    with instance() as made:
        repository = defs.get_repository_def()
        context = dg.build_schedule_context(instance=made, scheduled_execution_time=at, repository_def=repository)
        return defs.resolve_schedule_def(SCHEDULE).evaluate_tick(context)


def asked(defs: dg.Definitions, at: datetime) -> list[str | None]:
    """The partitions that a tick asks for."""
    return [request.partition_key for request in tick(defs, at).run_requests or []]


def ticks(nightly: dg.ScheduleDefinition, first_day: date, last_day: date) -> list[datetime]:
    """When Dagster's scheduler lets it tick on the mornings after these days."""
    timezone = ZoneInfo(str(nightly.execution_timezone))
    noon = time(12)
    times = schedule_execution_time_iterator(
        datetime.combine(first_day, noon, timezone).timestamp(),
        str(nightly.cron_schedule),
        str(nightly.execution_timezone),
        ascending=True,
    )
    end = datetime.combine(last_day + timedelta(days=1), noon, timezone)
    return list(takewhile(lambda at: at < end, times))


@pytest.mark.parametrize(("timezone", "first_day", "last_day"), CHANGES)
def test_every_day_is_asked_for_once_over_a_change_of_clocks(timezone: str, first_day: date, last_day: date) -> None:
    defs = definitions(timezone)
    keys = [key for at in ticks(defs.resolve_schedule_def(SCHEDULE), first_day, last_day) for key in asked(defs, at)]
    assert keys == [str(first_day + timedelta(days=number)) for number in range((last_day - first_day).days + 1)]


@pytest.mark.parametrize(
    ("change", "ticks_utc"),
    [
        (date(2026, 3, 29), ["2026-03-28T02:00", "2026-03-29T01:00", "2026-03-30T01:00"]),
        (date(2026, 10, 25), ["2026-10-24T01:00", "2026-10-25T02:00", "2026-10-26T02:00"]),
    ],
)
def test_in_rome_it_is_three_on_the_clock_on_the_wall_when_it_ticks(change: date, ticks_utc: list[str]) -> None:
    found = ticks(definitions("Europe/Rome").resolve_schedule_def(SCHEDULE), change - timedelta(days=2), change)
    assert [at.astimezone(UTC).isoformat(timespec="minutes")[:16] for at in found] == ticks_utc


def test_it_is_on_by_default_and_runs_at_three_local_time() -> None:
    nightly = definitions("Europe/London").resolve_schedule_def(SCHEDULE)
    assert nightly.cron_schedule == "0 3 * * *"
    assert nightly.execution_timezone == "Europe/London"
    assert nightly.default_status == dg.DefaultScheduleStatus.RUNNING


def test_before_the_first_day_is_over_it_says_why_it_does_nothing() -> None:
    defs = definitions(start_date="2026-05-02")
    at = datetime(2026, 5, 2, 3, tzinfo=ZoneInfo("Australia/Sydney"))
    assert not asked(defs, at)
    assert tick(defs, at).skip_message == "The first day (PAYOUTS_START_DATE), 2026-05-02, is not over yet."
    assert asked(defs, at + timedelta(days=1)) == ["2026-05-02"]


def test_a_tick_that_is_evaluated_twice_starts_one_run() -> None:
    at = datetime(2026, 5, 2, 3, tzinfo=ZoneInfo("Australia/Sydney"))
    runs = [request.run_key for _ in range(2) for request in tick(definitions(), at).run_requests or []]
    assert runs == ["2026-05-01"] * 2
