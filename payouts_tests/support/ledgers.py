"""Ledgers that are made anew, and copies of their databases: what a backup and its restoring leave."""

from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.migrate import migrate


def made_anew(connection: Connection) -> Connection:
    """The same database with a ledger that knows nothing, under an id of its own; schema `league` stays."""
    connection.execute("drop schema payouts cascade")
    migrate(connection)
    return connection
