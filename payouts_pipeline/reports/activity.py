"""What moved our account at Stripe, as the ledger has kept it, and what of it is not understood."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
from psycopg.rows import class_row

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.calendar import bounds
from payouts_pipeline.domain.journal import sentence
from payouts_pipeline.ledger.bulk import copy_out
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.queries import sql

_MOST = 100


def of_day(connection: Connection, day: date, timezone: ZoneInfo) -> pd.DataFrame:
    """Every line of Stripe's journal of a local day, as it was entered; see `frames.ACTIVITY`."""
    start, end = bounds(day, timezone)
    return copy_out(connection, sql("activity"), {"start": start, "end": end}, frames.ACTIVITY)


@dataclass(frozen=True)
class Odd:
    """A line of Stripe's journal that is of no instruction, differs from it, or waits for it."""

    id: str
    type: str
    net_minor: int
    currency: str
    created_at: datetime
    assigned_to: str
    why: str

    @property
    def sentence(self) -> str:
        """Why."""
        return sentence(self.why)


def not_understood(connection: Connection, limit: int = _MOST) -> list[Odd]:
    """The newest of them."""
    with connection.cursor(row_factory=class_row(Odd)) as cursor:
        return cursor.execute(sql("not_understood"), {"limit": limit}).fetchall()
