"""The ledger's schema in a database as it comes: of another encoding, or with a schema that somebody else has made."""

import itertools
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier, Literal

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.ledger.migrate import (
    WORKERS_GO_ON,
    migrate,
    migrations,
    require_migrated,
    require_settleable,
)
from payouts_tests.support.odd_databases import login_with
from payouts_tests.support.roles import login_of, make_roles

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


@pytest.fixture
def two_migrations(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What this version has, which a test may change."""
    texts = {"0001_one.sql": "create table payouts.one (n int);", "0002_two.sql": f"{WORKERS_GO_ON}\nselect 1;"}
    monkeypatch.setattr("payouts_pipeline.ledger.migrate.migrations", lambda: texts)
    return texts


def test_a_migration_is_never_changed_once_it_was_applied(empty: Make, two_migrations: dict[str, str]) -> None:
    with open_connection(empty("UTF8")) as connection:
        assert migrate(connection) == ["0001_one.sql", "0002_two.sql"]
        two_migrations["0001_one.sql"] += "\n-- A word about it."
        two_migrations["0003_three.sql"] = "create table payouts.three (n int);"
        with pytest.raises(PayoutsError, match=r"was made by another 0001_one.sql than this version has: install"):
            migrate(connection)
        with pytest.raises(PayoutsError, match=r"made by another 0001_one.sql"):
            require_migrated(connection)
        assert connection.execute("select to_regclass('payouts.three')").fetchall() == [(None,)]


def test_a_ledger_from_before_the_first_release_is_refused(empty: Make, two_migrations: dict[str, str]) -> None:
    with open_connection(empty("UTF8")) as connection:
        migrate(connection)
        connection.execute("alter table payouts.migrations drop column checksum")
        for look in (migrate, require_migrated, require_settleable):
            with pytest.raises(PayoutsError, match=r"was made by another 0001_ledger.sql"):
                look(connection)


def test_an_older_version_migrates_nothing(empty: Make, two_migrations: dict[str, str]) -> None:
    with open_connection(empty("UTF8")) as connection:
        migrate(connection)
        del two_migrations["0002_two.sql"]
        with pytest.raises(PayoutsError, match=r"has 0002_two.sql, which this version does not know: install"):
            migrate(connection)


def test_a_worker_goes_on_with_what_lets_it_and_nothing_else(empty: Make, two_migrations: dict[str, str]) -> None:
    """The second migration says that workers which do not know it go on, the first one does not."""
    with open_connection(empty("UTF8")) as connection:
        migrate(connection)
        require_settleable(connection)
        later = two_migrations.pop("0002_two.sql")
        require_settleable(connection)
        with pytest.raises(PayoutsError, match="does not know"):
            require_migrated(connection)
        two_migrations["0002_two.sql"] = later
        earlier = two_migrations.pop("0001_one.sql")
        with pytest.raises(PayoutsError, match=r"has 0001_one.sql, which this version does not know"):
            require_settleable(connection)
        two_migrations |= {"0001_one.sql": earlier, "0003_three.sql": WORKERS_GO_ON}
        with pytest.raises(PayoutsError, match=r"is of another version .* run 'payouts migrate' first"):
            require_settleable(connection)


def test_what_is_made_belongs_to_the_owner_of_the_schema(empty: Make, two_migrations: dict[str, str]) -> None:
    url = empty("UTF8")
    with login_with(url, {}, "nosuperuser") as limited, psycopg.connect(url, autocommit=True) as dba:
        login = Identifier(str(conninfo_to_dict(limited)["user"]))
        dba.execute(SQL("create schema payouts authorization {}").format(login))
        with open_connection(url) as connection:
            migrate(connection)
            assert connection.execute("select current_user = session_user").fetchall() == [(True,)]
        query = "select distinct pg_get_userbyid(relowner) from pg_class where relnamespace = 'payouts'::regnamespace"
        assert dba.execute(query).fetchall() == [(login.as_string().strip('"'),)]


def test_roles_can_be_made_before_the_first_migration(empty: Make) -> None:
    url = empty("UTF8")
    make_roles(url)
    with login_of(url, "payouts_reader") as reader, open_connection(reader) as connection:
        require_migrated(connection)
        assert connection.execute("select count(*) from payouts.instructions").fetchall() == [(0,)]
