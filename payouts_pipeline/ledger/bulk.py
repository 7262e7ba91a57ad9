"""Whole frames out of Postgres and into it, by COPY."""

import io
from collections.abc import Mapping
from typing import cast

import pandas as pd
import pyarrow as pa
from psycopg import sql as composed
from pyarrow import csv

from payouts_pipeline.ledger.database import Connection, Parameters


def copy_out(
    connection: Connection, query: str, parameters: Parameters, columns: Mapping[str, pd.ArrowDtype]
) -> pd.DataFrame:
    """The rows of a query as a frame of these columns: by COPY into Arrow, the fastest way out."""
    buffer = io.BytesIO()
    statement = composed.SQL("copy ({}) to stdout (format csv, header)").format(composed.SQL(query))
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
