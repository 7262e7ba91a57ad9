"""Embedded parts for the length of a benchmark, and databases with a league of a given size."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg.sql import SQL, Identifier

from payouts_pipeline.ledger.database import open_connection
from payouts_pipeline.ledger.migrate import migrate
from payouts_pipeline.local.embedded import embedded, stop

DAY = date(2026, 3, 7)

# Settles all that is pending, as workers would do it one by one.
SETTLED = (
    "update payouts.instructions set status = 'published', published_at = now() where status = 'pending'",
    "update payouts.instructions set status = 'sending', leased_until = now() where status = 'published'",
    "update payouts.instructions set status = 'settled', provider_reference = id::text, reason_code = null"
    " where status = 'sending'",
)


@contextmanager
def parts(*names: str) -> Iterator[Mapping[str, str]]:
    """The environment of embedded parts that nobody else uses."""
    with TemporaryDirectory(prefix="payouts-bench-") as folder:
        state_dir = Path(folder) / ".payouts"
        with embedded(names, state_dir) as environment:
            yield environment
        stop(state_dir)


def make_league(environment: Mapping[str, str], fees: int, fees_per_player: float) -> None:
    """Fill the ledger's database with a league whose `DAY` has so many fees."""
    with open_connection(environment["PAYOUTS_DATABASE_URL"]) as connection:
        connection.execute(resources.files("payouts_pipeline.league").joinpath("schema.sql").read_bytes())
        migrate(connection)
        script = Path(__file__).with_name("league.sql").read_text("utf-8")
        for statement in script.rstrip().rstrip(";").split(";\n"):
            connection.execute(statement, {"fees": fees, "fees_per_player": fees_per_player})


def copy_of(environment: Mapping[str, str], name: str) -> str:
    """The URL of a copy of the ledger's database: every repetition starts from the same."""
    server, original = environment["PAYOUTS_DATABASE_URL"].rsplit("/", 1)
    with psycopg.connect(environment["DAGSTER_DATABASE_URL"], autocommit=True) as admin:
        admin.execute(SQL("create database {} template {}").format(Identifier(name), Identifier(original)))
    return f"{server}/{name}"
