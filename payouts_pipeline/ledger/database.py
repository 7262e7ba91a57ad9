"""The way to Postgres: connections with readable errors, named queries, and bulk transfer by COPY."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import resources
from typing import Any, cast

import pandas as pd
import psycopg
import pyarrow as pa
from psycopg import sql as composed
from psycopg.conninfo import conninfo_to_dict
from pyarrow import csv

from payouts_pipeline.errors import PayoutsError

Connection = psycopg.Connection[tuple[Any, ...]]
Parameters = Mapping[str, Any]

_CONNECT_TIMEOUT_S = 10


@cache
def sql(name: str) -> str:
    """The query in ``sql/<name>.sql``; its first lines say what it is for."""
    return resources.files("payouts_pipeline.ledger").joinpath("sql", f"{name}.sql").read_text("utf-8")


@contextmanager
def connect(url: str, variable: str = "PAYOUTS_DATABASE_URL") -> Iterator[Connection]:
    """An autocommitting connection; work that belongs together says ``with connection.transaction()``.

    Raises PayoutsError, naming the variable that the URL came from, when the server can't be reached.
    """
    with open_connection(url, variable) as connection:
        yield connection


def open_connection(url: str, variable: str = "PAYOUTS_DATABASE_URL") -> Connection:
    """The same, for a caller that closes it by itself."""
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S, application_name="payouts")
    except psycopg.Error as error:
        raise PayoutsError(
            f"The database {_where(url)} of {variable} can't be reached ({_first_line(error)}): "
            f"see that it runs and that {variable} is right."
        ) from None


def _where(url: str) -> str:
    """Host and database of a URL, without user and password."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "(the URL can't be read)"
    return f"{parts.get('dbname', '')!s} at {parts.get('host', 'localhost')!s}:{parts.get('port', 5432)!s}"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].split("FATAL:")[-1].strip()


def copy_out(
    connection: Connection, name: str, parameters: Parameters, columns: Mapping[str, pd.ArrowDtype]
) -> pd.DataFrame:
    """The rows of a named query as a frame of these columns: by COPY into Arrow, the fastest way out."""
    buffer = io.BytesIO()
    statement = composed.SQL("copy ({}) to stdout (format csv, header)").format(composed.SQL(sql(name)))
    with connection.cursor().copy(statement, parameters) as copy:
        for block in copy:
            buffer.write(block)
    buffer.seek(0)
    types = {column: dtype.pyarrow_dtype for column, dtype in columns.items()}
    convert = csv.ConvertOptions(
        column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    table = csv.read_csv(buffer, convert_options=convert, parse_options=csv.ParseOptions(newlines_in_values=True))
    return cast("pd.DataFrame", table.select(list(columns)).to_pandas(types_mapper=pd.ArrowDtype))


def copy_in(connection: Connection, table: str, frame: pd.DataFrame) -> None:
    """Append the frame's rows to a table; its columns are named as the table's are."""
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    buffer = io.BytesIO()
    csv.write_csv(arrow, buffer, csv.WriteOptions(include_header=False))
    statement = composed.SQL("copy {} ({}) from stdin (format csv)").format(
        composed.Identifier(*table.split(".")),
        composed.SQL(", ").join(map(composed.Identifier, frame.columns)),
    )
    with connection.cursor().copy(statement) as copy:
        copy.write(buffer.getbuffer())


def scalar(connection: Connection, name: str, parameters: Parameters) -> Any:
    """The first column of the only row of a named query, or None where it gives no row."""
    row = connection.execute(sql(name), parameters).fetchone()
    return row[0] if row else None
