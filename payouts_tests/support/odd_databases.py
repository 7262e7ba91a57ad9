"""Logins and databases that somebody has set up for other purposes, and what may stand between them and us."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from uuid import uuid4

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Composable, Identifier, Literal

PASSWORD = "odd0password"
_CHUNK = 65_536

# Each by itself ended runs, or made them slow or wrong.
ODD = {
    "statement_timeout": "60ms",
    "lock_timeout": "20ms",
    "idle_session_timeout": "300ms",
    "idle_in_transaction_session_timeout": "60ms",
    "transaction_timeout": "120ms",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "datestyle": "SQL, DMY",
    "intervalstyle": "sql_standard",
    "timezone": "Asia/Kathmandu",
    "search_path": "public, pg_catalog",
    "bytea_output": "escape",
    "standard_conforming_strings": "off",
    "client_encoding": "LATIN1",
    "extra_float_digits": "-15",
    "synchronous_commit": "off",
}


def url_of(url: str, **parts: object) -> str:
    """The URL with other parts, in the form that all drivers take."""
    found = {**conninfo_to_dict(url), **parts}
    return "{scheme}://{user}:{password}@{host}:{port}/{dbname}".format(**({"scheme": "postgresql"} | found))


def set_for(admin: psycopg.Connection, whom: Composable, settings: Mapping[str, str]) -> None:
    """Have a login or a database begin its sessions with these settings."""
    for setting, value in settings.items():
        values = SQL(", ").join(map(Literal, value.split(", ")))
        admin.execute(SQL("alter {} set {} = {}").format(whom, Identifier(setting), values))


@contextmanager
def login_with(url: str, settings: Mapping[str, str], rights: str = "superuser") -> Iterator[str]:
    """The same database with a login of its own that has these settings; it goes in the end."""
    name = f"odd_{uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(SQL("create role {} login {} password {}").format(Identifier(name), SQL(rights), PASSWORD))
        set_for(admin, SQL("role {}").format(Identifier(name)), settings)
        try:
            yield make_conninfo(url, user=name, password=PASSWORD)
        finally:
            admin.execute(SQL("drop owned by {}").format(Identifier(name)))
            admin.execute(SQL("drop role {}").format(Identifier(name)))


class IdleEnds:
    """A TCP proxy in front of a server that ends connections on which nothing was said for a while, as firewalls do."""

    def __init__(self, host: str, port: int, idle_s: float) -> None:
        self._target, self._idle_s = (host, port), idle_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.ended = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as server:
            threading.Thread(target=_forward, args=(server, client), daemon=True).start()
            client.settimeout(self._idle_s)
            try:
                while chunk := client.recv(_CHUNK):
                    server.sendall(chunk)
            except TimeoutError:
                self.ended += 1
            except OSError:
                pass
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
                server.shutdown(socket.SHUT_RDWR)


def _forward(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while chunk := server.recv(_CHUNK):
            client.sendall(chunk)


@contextmanager
def database_of(url: str, encoding: str) -> Iterator[str]:
    """An empty database of an encoding beside this one; it goes in the end."""
    name = Identifier(f"odd_{uuid4().hex[:8]}")
    statement = SQL("create database {} encoding {} locale 'C' template template0")
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(statement.format(name, Literal(encoding)))
        try:
            yield url_of(url, dbname=name.as_string().strip('"'))
        finally:
            admin.execute(SQL("drop database {} with (force)").format(name))
