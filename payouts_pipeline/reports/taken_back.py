"""What Stripe has taken back (refunds, disputes, reversals), in the words of the next morning."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from psycopg.rows import class_row

from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.queries import sql

WHAT_TO_DO = (
    "The fees and payouts are held, and nothing of it is charged or paid again by itself. 'payouts status' and "
    "'payouts explain' show which: 'payouts unhold PAYEE --reason ...' has them charged or paid again, 'payouts "
    "write-off PAYEE CURRENCY --reason ...' gives up on a debt, or correct schema 'league'"
)


@dataclass(frozen=True)
class TakenBack:
    """All of one kind and currency that was entered on one day."""

    day: date
    category: str
    currency: str
    count: int
    amount_minor: int

    def __str__(self) -> str:
        kind = self.category.replace("_", " ") + ("s" if self.count > 1 else "")
        return f"{self.count} {kind} ({format_minor(self.amount_minor, self.currency)})"


def by_day(connection: Connection, first_day: date, last_day: date, timezone: str) -> Iterator[tuple[date, str]]:
    """For each of these local days with something that nobody has decided on yet, what it is."""
    parameters = {"first_day": first_day, "last_day": last_day, "timezone": timezone}
    with connection.cursor(row_factory=class_row(TakenBack)) as cursor:
        found = cursor.execute(sql("taken_back"), parameters).fetchall()
    for day, of_day in groupby(found, key=lambda each: each.day):
        yield day, ", ".join(map(str, of_day))
