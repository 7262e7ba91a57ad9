"""Whose midnight ends a day: in another timezone the same day has other matches, and booking it would undo these."""

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.database import Connection, scalar, sql


def keep_timezone(connection: Connection, timezone: str) -> None:
    """Note the timezone that the ledger is booked in; raises PayoutsError where it is another one already."""
    parameters = {"timezone": timezone}
    # What another first booking has noted while the statement waited for it, only the next statement sees.
    kept = scalar(connection, sql("keep_timezone"), parameters) or scalar(connection, sql("keep_timezone"), parameters)
    if kept != timezone:
        raise PayoutsError(
            f"PAYOUTS_TIMEZONE is {timezone}, but the ledger is booked in {kept}: set PAYOUTS_TIMEZONE={kept}."
        )
