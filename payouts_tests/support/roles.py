"""The ledger's least-privilege roles, as a DBA makes them, and logins that have one."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources

import psycopg

from payouts_pipeline.ledger.database import open_connection
from payouts_pipeline.ledger.migrate import migrate
from payouts_tests.support.odd_databases import login_with

ROLES = ("payouts_owner", "payouts_pipeline", "payouts_worker", "payouts_reader")


def make_roles(url: str) -> None:
    """What a DBA does, and then the login that migrates."""
    with psycopg.connect(url, autocommit=True) as dba:
        dba.execute(resources.files("payouts_pipeline.ledger").joinpath("roles.sql").read_bytes())
    with login_of(url, "payouts_owner") as owner, open_connection(owner) as connection:
        migrate(connection)


@contextmanager
def login_of(url: str, role: str) -> Iterator[str]:
    """The same database with a login that has this role and nothing else."""
    with login_with(url, {}, f"nosuperuser in role {role}") as found:
        yield found
