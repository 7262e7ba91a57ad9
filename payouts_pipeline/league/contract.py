"""What the pipeline needs of schema `league`: less than the README lists, since names are never read.

A type is part of it where another one would read without an error and mean something else: a kick-off without a zone is
of another day in another timezone of the database, an amount that is no integer is rounded by whoever reads it first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.queries import Queries

sql = Queries("payouts_pipeline.league")

# How many columns an error names.
_NAMED = 5


@dataclass(frozen=True)
class _Type:
    """Types by their names and categories in pg_type, as people write them, and what a view does to get one."""

    name: str
    names: frozenset[str]
    to_do: str
    categories: frozenset[str] = frozenset()


class Kind(Enum):
    """What a column holds."""

    ID = _Type("bigint", frozenset({"int2", "int4", "int8"}), "have the view cast it: {column}::bigint")
    MINOR = _Type(
        "bigint", frozenset({"int2", "int4", "int8"}), "have the view make whole minor units of it, as bigint"
    )
    BPS = _Type(
        "integer", frozenset({"int2", "int4", "int8"}), "have the view make whole basis points of it, as integer"
    )
    DATE = _Type("date", frozenset({"date"}), "have the view cast it: {column}::date")
    INSTANT = _Type(
        "timestamp with time zone",
        frozenset({"timestamptz"}),
        "have the view say whose time it is: {column} at time zone 'Europe/London'",
    )
    TEXT = _Type("text", frozenset(), "have the view cast it: {column}::text", frozenset({"S", "E"}))

    def takes(self, type_name: str, category: str) -> bool:
        """Whether a column of this type will do; a text may be an enum."""
        return type_name in self.value.names or category in self.value.categories


NEEDED: Mapping[str, Mapping[str, Kind]] = {
    "organisers": {"id": Kind.ID, "stripe_account_id": Kind.TEXT},
    "clubs": {"id": Kind.ID, "stripe_account_id": Kind.TEXT},
    "partners": {"id": Kind.ID, "stripe_account_id": Kind.TEXT},
    "players": {
        "id": Kind.ID,
        "club_id": Kind.ID,
        "stripe_customer_id": Kind.TEXT,
        "stripe_payment_method_id": Kind.TEXT,
    },
    "competitions": {"id": Kind.ID, "organiser_id": Kind.ID},
    "matches": {"id": Kind.ID, "competition_id": Kind.ID, "kicked_off_at": Kind.INSTANT, "status": Kind.TEXT},
    "match_players": {"id": Kind.ID, "match_id": Kind.ID, "player_id": Kind.ID, "club_id": Kind.ID},
    "fee_structures": {
        "id": Kind.ID,
        "competition_id": Kind.ID,
        "effective_from": Kind.DATE,
        "currency": Kind.TEXT,
        "fee_minor": Kind.MINOR,
    },
    "fee_shares": {
        "fee_structure_id": Kind.ID,
        "billing_subject": Kind.TEXT,
        "partner_id": Kind.ID,
        "fixed_minor": Kind.MINOR,
        "share_bps": Kind.BPS,
    },
}


@dataclass(frozen=True)
class Mistyped:
    """A column (``table.column``) of another type than it must have."""

    column: str
    type: str
    kind: Kind

    @property
    def found(self) -> str:
        """What is wrong."""
        return f"league.{self.column} is {self.type} and must be {self.kind.value.name}"

    @property
    def to_do(self) -> str:
        """What to do about it."""
        return str(self.kind.value.to_do).format(column=self.column.rpartition(".")[2])


@dataclass(frozen=True)
class Lack:
    """Tables and columns (``table.column``) that are not there, those that the login may not read, and wrong types.

    A table that is not there stands for its columns.
    """

    missing: list[str]
    unreadable: list[str]
    mistyped: list[Mistyped]

    @classmethod
    def of(cls, rows: Iterable[tuple[Any, ...]]) -> Self:
        """What the rows of `league_columns` lack."""
        there = {(table, column): rest for table, column, *rest in rows}
        tables = NEEDED.keys() & {table for table, _ in there}
        wanted = {(table, column): kind for table in sorted(tables) for column, kind in NEEDED[table].items()}
        found = {key: (kind, *there[key]) for key, kind in wanted.items() if key in there}
        missing = [*(NEEDED.keys() - tables), *(".".join(key) for key in wanted if key not in there)]
        unreadable = [".".join(key) for key, (_, may_read, *_) in found.items() if not may_read]
        mistyped = [
            Mistyped(".".join(key), shown, kind)
            for key, (kind, _, type_name, category, shown) in found.items()
            if not kind.takes(type_name, category)
        ]
        return cls(sorted(missing), sorted(unreadable), mistyped)

    def require_nothing(self) -> None:
        """Raise PayoutsError where a column is missing or of another type: nothing of the schema is then read."""
        wrong = [f"league.{name} is not there (add it to the view)" for name in self.missing]
        wrong += [f"{each.found} ({each.to_do})" for each in self.mistyped]
        if wrong:
            others = f"; and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
            raise PayoutsError(
                f"Schema 'league' does not fit, and nothing is read or booked: {'; '.join(wrong[:_NAMED])}{others}. "
                "'payouts doctor' names all of it."
            )


def lack(connection: Connection) -> Lack:
    """What a database lacks."""
    return Lack.of(connection.execute(sql("league_columns")).fetchall())


def begin(connection: Connection) -> None:
    """Begin a snapshot, and require that the schema fits: both in one round trip.

    Raises PayoutsError where it does not.
    """
    both = ";\n".join([sql("begin_snapshot"), sql("league_columns")])
    # A statement that is prepared is only one.
    answers = connection.execute(both, prepare=False)
    answers.nextset()
    Lack.of(answers.fetchall()).require_nothing()
