"""Local days: every instant belongs to exactly one, also where the clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts_pipeline.domain.calendar import bounds, yesterday

# Zones that change at two in the morning, at midnight, by half an hour, by a whole day, and never.
ZONES = [
    "Australia/Sydney",
    "Europe/London",
    "America/Santiago",
    "America/Havana",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "UTC",
]

_INSTANTS = st.integers(1_322_697_600, 1_924_992_000).map(lambda s: datetime.fromtimestamp(s, UTC))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Australia/Sydney", date(2026, 4, 5), 25),
        ("Australia/Sydney", date(2026, 10, 4), 23),
        ("Europe/London", date(2026, 3, 29), 23),
        ("Europe/London", date(2026, 10, 25), 25),
        ("Europe/London", date(2026, 6, 1), 24),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
    ],
)
def test_a_day_of_a_clock_change_is_shorter_or_longer(zone: str, day: date, hours: float) -> None:
    start, end = (bound.astimezone(UTC) for bound in bounds(day, ZoneInfo(zone)))
    assert end - start == timedelta(hours=hours)


@given(st.sampled_from(ZONES), _INSTANTS)
def test_every_instant_is_of_the_day_on_the_wall_and_of_no_other(zone: str, instant: datetime) -> None:
    timezone = ZoneInfo(zone)
    local_day = instant.astimezone(timezone).date()
    around = [local_day + timedelta(days=n) for n in range(-2, 3)]
    containing = [
        day
        for day in around
        if bounds(day, timezone)[0].astimezone(UTC) <= instant < bounds(day, timezone)[1].astimezone(UTC)
    ]
    assert containing == [local_day]


@pytest.mark.parametrize("zone", ZONES)
def test_days_follow_each_other_without_gap_or_overlap(zone: str) -> None:
    timezone = ZoneInfo(zone)
    first = date(2026, 1, 1)
    for n in range(366):
        day = first + timedelta(days=n)
        assert bounds(day, timezone)[1] == bounds(day + timedelta(days=1), timezone)[0]


def test_yesterday_is_the_last_local_day_that_is_over() -> None:
    sydney = ZoneInfo("Australia/Sydney")
    assert yesterday(datetime(2026, 3, 6, 13, 0, tzinfo=UTC), sydney) == date(2026, 3, 6)
    assert yesterday(datetime(2026, 3, 6, 12, 59, 59, tzinfo=UTC), sydney) == date(2026, 3, 5)
