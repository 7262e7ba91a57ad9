"""An empty database for each test of the sample season, which brings the schema itself."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

Connection = psycopg.Connection[Any]
Connect = Callable[[], Connection]


@pytest.fixture
def connect(admin: Connection, postgres_url: str) -> Iterator[Connect]:
    """Opens connections to a database that is this test's own."""
    name = f"season_{uuid4().hex}"
    url = make_conninfo(postgres_url, dbname=name)
    admin.execute(SQL("create database {}").format(Identifier(name)))
    with ExitStack() as opened:
        yield lambda: opened.enter_context(psycopg.connect(url, autocommit=True))
    admin.execute(SQL("drop database {}").format(Identifier(name)))


@pytest.fixture
def database(connect: Connect) -> Connection:
    return connect()
