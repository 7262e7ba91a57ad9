"""What the pipeline needs of schema `league`, by table: less than the README lists, since names are never read."""

from collections.abc import Mapping
from dataclasses import dataclass

from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.queries import Queries

sql = Queries("payouts_pipeline.league")

NEEDED: Mapping[str, tuple[str, ...]] = {
    "organisers": ("id", "stripe_account_id"),
    "clubs": ("id", "stripe_account_id"),
    "partners": ("id", "stripe_account_id"),
    "players": ("id", "club_id", "stripe_customer_id", "stripe_payment_method_id"),
    "competitions": ("id", "organiser_id"),
    "matches": ("id", "competition_id", "kicked_off_at", "status"),
    "match_players": ("id", "match_id", "player_id", "club_id"),
    "fee_structures": ("id", "competition_id", "effective_from", "currency", "fee_minor"),
    "fee_shares": ("fee_structure_id", "billing_subject", "partner_id", "fixed_minor", "share_bps"),
}


@dataclass(frozen=True)
class Lack:
    """Tables and columns (``table.column``) that are not there, and those that the login may not read."""

    missing: list[str]
    unreadable: list[str]


def lack(connection: Connection) -> Lack:
    """What a database lacks; a table that is not there stands for its columns."""
    rows = connection.execute(sql("league_columns")).fetchall()
    readable = {(table, column): may_read for table, column, may_read in rows}
    there = NEEDED.keys() & {table for table, _ in readable}
    wanted = [(table, column) for table in there for column in NEEDED[table]]
    missing = [f"{table}.{column}" for table, column in wanted if (table, column) not in readable]
    unreadable = [f"{table}.{column}" for table, column in wanted if readable.get((table, column)) is False]
    return Lack(sorted([*(NEEDED.keys() - there), *missing]), sorted(unreadable))
