"""Which days would move if they were materialised now, so that nobody has to remember them."""

import hashlib
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from payouts_pipeline.ledger.database import Connection, sql
from payouts_pipeline.workflow.resume import find_moving

# As long as a run may take between two of its transactions; what has not moved for so long, nobody is moving.
_LOST_AFTER = timedelta(minutes=15)


def days_due(connection: Connection, source: Connection) -> dict[date, str]:
    """The days, each with a text that changes when what is due of it changes."""
    due: dict[date, str] = dict(connection.execute(sql("days_due"), {"lost_after": _LOST_AFTER}).fetchall())
    moving = find_moving(connection, source, None)
    for day, rows in moving.groupby("day"):
        texts = sorted(rows["id"] + rows["old_status"] + rows["reason_code"] + rows["reason_details"])
        mended = hashlib.sha256(" ".join(texts).encode()).hexdigest()
        key = date.fromisoformat(str(day))
        due[key] = due.get(key, "") + mended[:32]
    return dict(sorted(due.items()))


def days_never_booked(connection: Connection, first_day: date, last_day: date, timezone: ZoneInfo) -> list[date]:
    """The days of a period that were never booked, from the day before the installation's first run on."""
    period = {"first_day": first_day, "last_day": last_day, "timezone": timezone.key}
    return [day for (day,) in connection.execute(sql("days_never_booked"), period)]
