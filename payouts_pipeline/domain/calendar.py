"""Which matches are of which day: local, half open, also over days of 23 and 25 hours."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def bounds(day: date, timezone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first instant of the local day, and the first that is no longer in it."""
    start = datetime.combine(day, time.min, timezone)
    end = datetime.combine(day + timedelta(days=1), time.min, timezone)
    return start, end


def yesterday(now: datetime, timezone: ZoneInfo) -> date:
    """The last local day that is over at ``now`` (an aware datetime)."""
    return now.astimezone(timezone).date() - timedelta(days=1)
