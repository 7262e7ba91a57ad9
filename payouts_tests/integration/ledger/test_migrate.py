"""The ledger's schema in a database as it comes: of another encoding, or with a schema that somebody else has made."""

import itertools
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier, Literal

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.ledger.migrate import migrate, migrations, require_migrated
from payouts_tests.support.odd_databases import login_with

Make = Callable[[str], str]

_numbers = itertools.count(1)


@pytest.fixture
def empty(admin: Connection, postgres_url: str) -> Iterator[Make]:
    """Makes an empty database of an encoding; its URL."""
    made = []

    def make(encoding: str) -> str:
        name = Identifier(f"empty_{next(_numbers)}")
        statement = "create database {} encoding {} locale 'C' template template0"
        admin.execute(SQL(statement).format(name, Literal(encoding)))
        made.append(name)
        return make_conninfo(postgres_url, dbname=name.as_string().strip('"'))

    yield make
    for name in made:
        admin.execute(SQL("drop database {} with (force)").format(name))


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_can_not_keep_every_text_is_refused(empty: Make, encoding: str) -> None:
    with open_connection(empty(encoding)) as connection:
        with pytest.raises(PayoutsError, match=f"has encoding {encoding}, which can't keep every text: make one"):
            migrate(connection)
        assert connection.execute("select to_regnamespace('payouts')").fetchall() == [(None,)]


def test_a_schema_that_somebody_else_has_made_is_filled(empty: Make) -> None:
    url = empty("UTF8")
    with login_with(url, {}, "nosuperuser") as limited:
        _as_dba(url, "create schema payouts", "grant usage, create on schema payouts to {login}", limited)
        with open_connection(limited) as connection:
            assert migrate(connection) == list(migrations())
            require_migrated(connection)
            assert migrate(connection) == []


def test_a_login_that_may_make_no_schema_is_told_who_can(empty: Make) -> None:
    with login_with(empty("UTF8"), {}, "nosuperuser") as limited, open_connection(limited) as connection:
        wanted = f"have the database's owner run 'create schema payouts authorization {connection.info.user}'"
        with pytest.raises(PayoutsError, match=wanted):
            migrate(connection)


def test_a_schema_that_may_not_be_filled_is_said(empty: Make) -> None:
    url = empty("UTF8")
    with login_with(url, {}, "nosuperuser") as limited:
        _as_dba(url, "create schema payouts", "grant usage on schema payouts to {login}", limited)
        with open_connection(limited) as connection, pytest.raises(PayoutsError, match="grant it usage and create"):
            migrate(connection)


def test_a_schema_with_tables_of_others_is_left_alone(empty: Make) -> None:
    with open_connection(empty("UTF8")) as connection:
        connection.execute("create schema payouts")
        connection.execute("create table payouts.accounts (name text)")
        with pytest.raises(PayoutsError, match="has tables that are not the ledger's"):
            migrate(connection)


def _as_dba(url: str, make: str, grant: str, limited: str) -> None:
    with psycopg.connect(url, autocommit=True) as dba:
        dba.execute(make)
        login = Identifier(str(conninfo_to_dict(limited)["user"]))
        dba.execute(SQL(grant).format(login=login))
