"""A ledger that is of another version than the code."""

from payouts_pipeline.ledger.database import Connection

TOMORROW = "9999_of_tomorrow.sql"


def migrated_further(ledger: Connection, *, workers_go_on: bool = False) -> None:
    """Have a later version upgrade the ledger."""
    ledger.execute(
        "insert into payouts.migrations (name, checksum, workers_go_on) values (%s, 'x', %s)", (TOMORROW, workers_go_on)
    )
