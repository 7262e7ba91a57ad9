"""The way to Postgres: connections with readable errors, and named queries. A worker needs no more; see also `bulk`."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.queries import Queries

Connection = psycopg.Connection[tuple[Any, ...]]
Parameters = Mapping[str, Any]

CONNECT_TIMEOUT_S = 10
# A host may be several, or the folder of a socket.
_READABLE = {"host": re.compile(r"[\w.,:/%-]*"), "port": re.compile(r"[\d,]*"), "dbname": re.compile(r"[^@:/]*")}

sql = Queries("payouts_pipeline.ledger", "sql")


@contextmanager
def connect(url: str, variable: str = "PAYOUTS_DATABASE_URL") -> Iterator[Connection]:
    """An autocommitting connection; work that belongs together says ``with connection.transaction()``.

    Raises PayoutsError, naming the variable that the URL came from, when the server can't be reached.
    """
    with open_connection(url, variable) as connection:
        yield connection


def open_connection(url: str, variable: str = "PAYOUTS_DATABASE_URL") -> Connection:
    """The same, for a caller that closes it."""
    require_readable(url, variable)
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, application_name="payouts")
    except psycopg.Error as error:
        raise PayoutsError(
            f"The database {_where(url)} of {variable} can't be reached ({_first_line(error)}): "
            f"see that it runs and that {variable} is right."
        ) from None


def require_readable(url: str, variable: str = "PAYOUTS_DATABASE_URL") -> None:
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


def scalar(connection: Connection, statement: str, parameters: Parameters) -> Any:
    """The first column of the only row of a query, or None where it gives no row."""
    row = connection.execute(statement, parameters).fetchone()
    return row[0] if row else None
