"""Puts the sample season into a database, and later the days that have come since."""

from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from io import BytesIO
from typing import Any

import pandas as pd
import psycopg
import pyarrow as pa
from psycopg.rows import class_row, scalar_row
from psycopg.sql import SQL, Identifier
from pyarrow import csv

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.season import catalogue
from payouts_pipeline.local.season.frames import COLUMNS, Frames, match_frames, reference_frames
from payouts_pipeline.queries import Queries

Connection = psycopg.Connection[Any]

_sql = Queries("payouts_pipeline.local.season")

# A login that may only read, a replica, and tables of another shape.
_NOT_OURS_TO_FILL = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.UndefinedColumn,
)


class ForeignLeagueError(PayoutsError):
    """Schema `league` belongs to an operator: it is only read, and the sample season stays out of it."""


@dataclass(frozen=True)
class SeasonSummary:
    """The days of the season that are loaded now, and what this call added: nothing if no day was missing."""

    first_day: date
    last_day: date
    days_added: int
    rows_added: dict[str, int]


@dataclass(frozen=True)
class _Contents:
    has_organisers: bool
    is_foreign: bool
    structure_ids: list[int]
    first_day_number: int | None
    last_day_number: int | None

    @property
    def first_day(self) -> date | None:
        return _day(self.first_day_number)

    @property
    def last_day(self) -> date | None:
        return _day(self.last_day_number)


def load_season(connection: Connection, timezone: str, last_day: date, days: int = 75) -> SeasonSummary:
    """Fill schema `league` with the sample season up to `last_day`, in one transaction.

    An empty league gets the last `days` days (at least one); a season that is there already gets just the
    days that it lacks after its own last one. Rows that are there are never changed, so corrections made by
    hand stay. `timezone` is the IANA name that the pipeline runs with. Raises ForeignLeagueError, with
    nothing written, where the league is not the sample season or can't be written.
    """
    try:
        with connection.transaction():
            contents = _prepare(connection)
            return _extend(connection, contents, timezone, last_day, days)
    except _NOT_OURS_TO_FILL as error:
        raise ForeignLeagueError(
            f"The sample season cannot be loaded into schema league ({error.diag.message_primary}): "
            "point PAYOUTS_SOURCE_URL at a database that the demo may fill, or use `payouts run` with this."
        ) from error


def _prepare(connection: Connection) -> _Contents:
    """Create what is missing of the schema and say what is in it, unless it is somebody else's."""
    connection.execute(_sql("lock"))
    views = connection.cursor(row_factory=scalar_row).execute(_sql("views")).fetchall()
    if views:
        raise _foreign(f"consists of views ({', '.join(views)})")
    connection.execute(resources.files("payouts_pipeline.league").joinpath("schema.sql").read_bytes())
    contents = _contents(connection)
    if contents.is_foreign:
        raise _foreign("holds rows of its own")
    return contents


def _foreign(what: str) -> ForeignLeagueError:
    return ForeignLeagueError(
        f"Schema league {what} and is not the sample season, so nothing was loaded into it: use "
        "`payouts run` to pay out its days, or point PAYOUTS_SOURCE_URL at an empty database for the demo."
    )


def _contents(connection: Connection) -> _Contents:
    ours = {
        "organiser_ids": list(catalogue.ORGANISERS),
        "competition_ids": [competition.id for competition in catalogue.COMPETITIONS],
    }
    with connection.cursor(row_factory=class_row(_Contents)) as cursor:
        row = cursor.execute(_sql("contents"), ours).fetchone()
    assert row is not None, "an aggregate always has a row"  # noqa: S101 - tells mypy what SQL guarantees
    return row


def _extend(connection: Connection, contents: _Contents, timezone: str, last_day: date, days: int) -> SeasonSummary:
    first_day = contents.first_day or last_day - timedelta(days=days - 1)
    next_day = contents.last_day + timedelta(days=1) if contents.last_day else first_day
    reference = reference_frames(first_day, last_day)
    if contents.has_organisers:
        reference = _new_terms(reference, next_day, contents.structure_ids)
    added = reference | match_frames(next_day, last_day, timezone)
    for table in COLUMNS:
        if table in added:
            _copy(connection, table, added[table])
    return SeasonSummary(
        first_day=first_day,
        last_day=max(last_day, contents.last_day or last_day),
        days_added=max(0, (last_day - next_day).days + 1),
        rows_added={table: len(added.get(table, ())) for table in COLUMNS},
    )


def _new_terms(reference: Frames, first_new_day: date, known_ids: list[int]) -> Frames:
    """Pick the terms that came with the new days; earlier ones are there, or were taken out on purpose."""
    structures = reference["fee_structures"]
    structures = structures[structures["effective_from"] >= first_new_day]
    structures = structures[~structures["id"].isin(known_ids)]
    shares = reference["fee_shares"]
    return {
        "fee_structures": structures,
        "fee_shares": shares[shares["fee_structure_id"].isin(structures["id"])],
    }


def _copy(connection: Connection, table: str, frame: pd.DataFrame) -> None:
    columns = SQL(", ").join(Identifier(name) for name in frame.columns)
    statement = SQL("copy {} ({}) from stdin (format csv)").format(Identifier("league", table), columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(_csv(frame))


def _csv(frame: pd.DataFrame) -> bytes:
    """Write the rows without a header; a missing value is an empty field without quotes, as COPY reads it."""
    buffer = BytesIO()
    rows = pa.Table.from_pandas(frame, preserve_index=False)
    csv.write_csv(rows, buffer, csv.WriteOptions(include_header=False))
    return buffer.getvalue()


def _day(number: int | None) -> date | None:
    return None if number is None else date.fromisoformat(str(number))
