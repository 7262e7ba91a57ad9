"""Frames out of Postgres and into it, by COPY: whole where they are small, and otherwise in batches."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from tempfile import TemporaryFile
from typing import IO, Any, TypeVar, cast
from weakref import finalize

import pandas as pd
import pyarrow as pa
from psycopg import sql as composed
from pyarrow import csv

from payouts_pipeline.domain import batches
from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.ledger.database import Connection, Parameters

Made = TypeVar("Made")

# How many rows of a temporary table are held at once.
PAGE_ROWS = 20_000

_OUT = composed.SQL("copy ({}) to stdout (format csv, header)")


def copy_out(
    connection: Connection, query: str, parameters: Parameters, columns: Mapping[str, pd.ArrowDtype]
) -> pd.DataFrame:
    """The rows of a query as a frame of these columns: by COPY into Arrow, the fastest way out."""
    buffer = io.BytesIO()
    with connection.cursor().copy(_OUT.format(composed.SQL(query)), parameters) as copy:
        for row in copy:
            buffer.write(row)
    return _parsed(buffer, columns)


def copy_out_batches(
    connection: Connection, query: str, parameters: Parameters, columns: Mapping[str, pd.ArrowDtype]
) -> Batches:
    """The rows of a query, which gives them in the order of their matches. All are read before it returns.

    More than one batch is kept in a file that has no name and is gone with the process.
    """
    return _kept(batches.cut(_blocks(connection, query, parameters, columns)))


def copy_out_blocks(
    connection: Connection, query: str, parameters: Parameters, columns: Mapping[str, pd.ArrowDtype]
) -> Batches:
    """The rows of any query in its order, and all read before it returns, as those of `copy_out_batches` are."""
    return _kept(_blocks(connection, query, parameters, columns))


def _blocks(
    connection: Connection, query: str, parameters: Parameters, columns: Mapping[str, pd.ArrowDtype]
) -> Iterator[pd.DataFrame]:
    """So many rows after the other; at least one block. The server sends a row at a time, and first the names."""
    with connection.cursor().copy(_OUT.format(composed.SQL(query)), parameters) as copy:
        rows = iter(copy)
        names = bytes(next(rows))
        block = b"".join(islice(rows, batches.ROWS))
        yield _parsed(io.BytesIO(names + block), columns)
        while block := b"".join(islice(rows, batches.ROWS)):
            yield _parsed(io.BytesIO(names + block), columns)


def _parsed(text: io.BytesIO, columns: Mapping[str, pd.ArrowDtype]) -> pd.DataFrame:
    text.seek(0)
    types = {column: dtype.pyarrow_dtype for column, dtype in columns.items()}
    convert = csv.ConvertOptions(
        column_types=types,
        null_values=[""],
        true_values=["t"],
        false_values=["f"],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    table = csv.read_csv(text, convert_options=convert, parse_options=csv.ParseOptions(newlines_in_values=True))
    return cast("pd.DataFrame", table.select(list(columns)).to_pandas(types_mapper=pd.ArrowDtype))


def _kept(made: Iterator[pd.DataFrame]) -> Batches:
    """Frames that can be made only once, to be read any number of times."""
    few = list(islice(made, 2))
    if len(few) == 1:
        return Batches.single(few[0])
    return _in_a_file(chain(few, made), pa.Schema.from_pandas(few[0], preserve_index=False))


def _in_a_file(made: Iterable[pd.DataFrame], schema: pa.Schema) -> Batches:
    file = TemporaryFile()  # noqa: SIM115 - closed when nobody has the batches any more
    kept = Batches(lambda columns: _read_back(file, columns))
    finalize(kept, file.close)
    with pa.ipc.new_file(file, schema) as writer:
        for frame in made:
            writer.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False).combine_chunks())
    return kept


def _read_back(file: IO[bytes], columns: Sequence[str] | None) -> Iterator[pd.DataFrame]:
    reader = pa.ipc.open_file(file)
    for number in range(reader.num_record_batches):
        batch = reader.get_batch(number)
        wanted = batch if columns is None else batch.select(list(columns))
        yield wanted.to_pandas(types_mapper=pd.ArrowDtype)


def pages(connection: Connection, query: str, columns: Mapping[str, pd.ArrowDtype]) -> Iterator[pd.DataFrame]:
    """What a query gives for the first numbers (``first`` to ``last``), the next ones, ..., until it gives no more."""
    first, is_full = 1, True
    while is_full:
        last = first + PAGE_ROWS - 1
        page = copy_out(connection, query, {"first": first, "last": last}, columns)
        if len(page):
            yield page
        first, is_full = last + 1, len(page) == PAGE_ROWS


def ahead(made: Iterable[Made]) -> Iterator[Made]:
    """The same, each made in a thread while the one before it is written: it must not use the same connection."""
    rest, end = iter(made), cast("Any", object())
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, rest, end)
        while (one := following.result()) is not end:
            following = thread.submit(next, rest, end)
            yield one


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
