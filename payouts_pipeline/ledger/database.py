"""The way to Postgres: connections with readable errors, and named queries. A worker needs no more; see also `bulk`.

Every connection is opened here, and gets the settings that our statements rely on: those of its login or its database
may be anything.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import Row

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.queries import Queries

Connection = psycopg.Connection[tuple[Any, ...]]
Parameters = Mapping[str, Any]

CONNECT_TIMEOUT_S = 10
# A host may be several, or the folder of a socket.
_READABLE = {"host": re.compile(r"[\w.,:/%-]*"), "port": re.compile(r"[\d,]*"), "dbname": re.compile(r"[^@:/]*")}

LEDGER, SOURCE = "PAYOUTS_DATABASE_URL", "PAYOUTS_SOURCE_URL"

# A pooler lends the server's process that is free, which may be another one's for a moment.
_LOOKS_FOR_A_POOLER = 10

sql = Queries("payouts_pipeline.ledger", "sql")


class Cursor(psycopg.Cursor[Row]):
    """Says in a sentence what a person must end: a lock that somebody keeps, a database that can't be written to."""

    def execute(self, *args: Any, **kwargs: Any) -> Self:
        """As psycopg does."""
        with _said_plainly(self.connection):
            return super().execute(*args, **kwargs)

    def executemany(self, *args: Any, **kwargs: Any) -> None:
        """As psycopg does."""
        with _said_plainly(self.connection):
            super().executemany(*args, **kwargs)

    @contextmanager
    def copy(self, *args: Any, **kwargs: Any) -> Iterator[psycopg.Copy]:
        """As psycopg does."""
        with _said_plainly(self.connection), super().copy(*args, **kwargs) as copy:
            yield copy


# For psycopg and its pool. By keepalives nothing in between takes a connection for idle, and a server that is gone is
# noticed within two minutes.
CONNECTING: Mapping[str, Any] = {
    "autocommit": True,
    "connect_timeout": CONNECT_TIMEOUT_S,
    "application_name": "payouts",
    "cursor_factory": Cursor,
    "keepalives": 1,
    "keepalives_idle": 60,
    "keepalives_interval": 10,
    "keepalives_count": 6,
    "tcp_user_timeout": 120_000,
}


@contextmanager
def connect(url: str, variable: str = LEDGER) -> Iterator[Connection]:
    """An autocommitting connection; work that belongs together says ``with connection.transaction()``.

    Raises PayoutsError, naming the variable that the URL came from, when the server can't be reached.
    """
    with open_connection(url, variable) as connection:
        yield connection


def open_connection(url: str, variable: str = LEDGER) -> Connection:
    """The same, for a caller that closes it."""
    require_readable(url, variable)
    try:
        with ExitStack() as opened:
            connection: Connection = psycopg.connect(url, **CONNECTING)
            opened.callback(connection.close)
            _require_own_backend(connection, url, variable)
            prepare(connection, variable)
            opened.pop_all()
    except psycopg.Error as error:
        raise PayoutsError(
            f"The database {_where(url)} of {variable} can't be reached ({_first_line(error)}): "
            f"see that it runs and that {variable} is right."
        ) from None
    return connection


def prepare(connection: Connection, variable: str = LEDGER) -> None:
    """Give a new connection the settings that our statements rely on."""
    connection.execute(sql("prepare_session"))
    if variable == LEDGER:
        connection.execute(sql("prepare_ledger_session"))


def require_writable(connection: Connection) -> None:
    """Raise PayoutsError where nothing can be written; ours say so by themselves, but others use the database, too."""
    if scalar(connection, sql("is_read_only"), {}):
        raise PayoutsError(_is_read_only(connection))


class Lasting:
    """A connection for who needs one now and then: what was lost meanwhile is opened anew."""

    def __init__(self, url: str, variable: str) -> None:
        self._url, self._variable = url, variable
        self._connection: Connection | None = None

    def __call__(self) -> Connection:
        """The connection, which lives; raises PayoutsError where it can't be reached."""
        with suppress(psycopg.OperationalError):
            if self._connection:
                self._connection.execute(sql("backend"))
                return self._connection
        self._connection = open_connection(self._url, self._variable)
        return self._connection

    def close(self) -> None:
        """Close it, if it was opened."""
        if self._connection:
            self._connection.close()


def _require_own_backend(connection: Connection, url: str, variable: str) -> None:
    """Raise PayoutsError unless the server's process stays ours: settings and locks of a session are kept in it.

    A pooler makes up the process that it names. If it lends a session's process to another one, that one gets it.
    """
    backend = scalar(connection, sql("backend"), {})
    if backend == connection.info.backend_pid:
        return
    # What is prepared would stay in a process of the server that others get.
    with psycopg.connect(url, **{**CONNECTING, "prepare_threshold": None}) as other:
        lent = {scalar(other, sql("backend"), {}) for _ in range(_LOOKS_FOR_A_POOLER)}
    if backend in lent or backend != scalar(connection, sql("backend"), {}):
        raise PayoutsError(
            f"{variable} leads to a pooler that lends a connection for one transaction (PgBouncer's pool_mode "
            "transaction, or the like), by which locks and settings get lost: use a direct connection to the server, "
            "or session pooling (pool_mode session)."
        )


def require_readable(url: str, variable: str = LEDGER) -> None:
    """Raise PayoutsError unless the URL says what its parts are.

    Where it does not, a part of the password may stand where a host, a port or a name should, and the driver's errors
    quote those. So nothing of such a URL is ever passed on or shown.
    """
    parts = _parts(url)
    if parts is None or not all(pattern.fullmatch(parts.get(name, "")) for name, pattern in _READABLE.items()):
        raise PayoutsError(
            f"{variable} is not a valid database URL: write it like postgresql://user:password@host:5432/name, with "
            "the special characters of the password percent-encoded (@ as %40, / as %2F)."
        )


def _parts(url: str) -> dict[str, str] | None:
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        return None


def _where(url: str) -> str:
    """Host and database of a URL, without user and password."""
    parts = _parts(url) or {}
    return f"{parts.get('dbname', '')} at {parts.get('host', 'localhost')}:{parts.get('port', 5432)}"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].split("FATAL:")[-1].strip()


@contextmanager
def _said_plainly(connection: "psycopg.Connection[Any]") -> Iterator[None]:
    try:
        yield
    except psycopg.errors.LockNotAvailable:
        raise PayoutsError(_who_keeps_a_lock(connection)) from None
    except psycopg.errors.ReadOnlySqlTransaction:
        raise PayoutsError(_is_read_only(connection)) from None


def _is_read_only(connection: "psycopg.Connection[Any]") -> str:
    return (
        f"The database {_name(connection)} is read-only for this login, so that nothing can be written: name the "
        "primary if it is a standby, or else have default_transaction_read_only reset for login and database."
    )


def _who_keeps_a_lock(waiting: "psycopg.Connection[Any]") -> str:
    """Whoever keeps it has an older transaction than who waits; on a connection of its own: the other's is aborted."""
    info, holder = waiting.info, None
    where: dict[str, Any] = {**info.get_parameters(), "password": info.password, **CONNECTING}
    with suppress(psycopg.Error), psycopg.connect(**where) as connection:
        prepare(connection)
        holder = connection.execute(sql("lock_holder"), {"waiting": info.backend_pid}).fetchone()
    if not holder:
        return f"A lock in database {_name(waiting)} was kept for long, and is free by now: nothing is lost, run again."
    pid, user, application, state, since, relations = holder
    told = [
        f"user {user}",
        f"application '{application or ''}'",
        state,
        since and f"since {since:%Y-%m-%d %H:%M:%S} UTC",
    ]
    who = ", ".join(filter(None, told))
    return (
        f"Session {pid} of database {_name(waiting)} ({who}) keeps a lock on {relations} that others wait for: have it "
        f"end its transaction, or 'select pg_terminate_backend({pid})', and run again. Nothing is lost."
    )


def _name(connection: "psycopg.Connection[Any]") -> str:
    info = connection.info
    return f"{info.dbname} at {info.host or 'localhost'}:{info.port}"


def scalar(connection: Connection, statement: str, parameters: Parameters) -> Any:
    """The first column of the only row of a query, or None where it gives no row."""
    row = connection.execute(statement, parameters).fetchone()
    return row[0] if row else None
