"""A database for each case, which can be put back to the template that it was made from."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

_numbers = itertools.count(1)


@contextmanager
def database(admin_url: str, template: str) -> Iterator[str]:
    """A copy of a database for one case."""
    url = make_conninfo(admin_url, dbname=f"crash_{next(_numbers)}")
    make_database(admin_url, template, url)
    try:
        yield url
    finally:
        _drop_database(admin_url, url)


def make_database(admin_url: str, template: str, url: str) -> None:
    """The database as a copy of the template, whatever was there."""
    _drop_database(admin_url, url)
    statement = SQL("create database {} template {} strategy file_copy").format(_name(url), Identifier(template))
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(statement)


def _drop_database(admin_url: str, url: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(SQL("drop database if exists {} with (force)").format(_name(url)))


def _name(url: str) -> Identifier:
    return Identifier(str(conninfo_to_dict(url)["dbname"]))
