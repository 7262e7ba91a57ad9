"""A column of another type stops the read, with one sentence, before anything is booked; and what will do, does."""

from datetime import date, datetime
from typing import Any

import pytest

from payouts_pipeline.domain import frames
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader
from payouts_pipeline.league.contract import NEEDED, lack
from payouts_pipeline.ledger.database import Connection
from payouts_tests.support.leagues import DAY, SYDNEY, League
from payouts_tests.support.ledger_steps import book, fingerprint, ids

# What a view may have made of a column, and what is said of it.
WRONG = [
    ("matches", "kicked_off_at", "timestamp", "at time zone 'Australia/Sydney'", "at time zone 'Europe/London'"),
    ("matches", "kicked_off_at", "date", "::date", "at time zone"),
    ("matches", "id", "numeric(20,0)", "::numeric(20,0)", "id::bigint"),
    ("match_players", "player_id", "double precision", "::float8", "player_id::bigint"),
    ("players", "id", "text", "::text", "id::bigint"),
    ("fee_structures", "effective_from", "timestamp without time zone", "::timestamp", "effective_from::date"),
    ("fee_structures", "effective_from", "timestamp with time zone", "::timestamptz", "effective_from::date"),
    ("fee_structures", "fee_minor", "numeric(12,2)", "::numeric(12,2)", "whole minor units"),
    ("fee_structures", "fee_minor", "real", "::real", "whole minor units"),
    ("fee_structures", "fee_minor", "money", "::int::money", "whole minor units"),
    ("fee_shares", "fixed_minor", "text", "::text", "whole minor units"),
    ("fee_shares", "share_bps", "numeric", "::numeric", "whole basis points"),
    ("matches", "status", "integer", "is not null::int", "status::text"),
]


def as_view(league: League, table: str, column: str, expression: str) -> None:
    """Put a view over a table, in which one column is another."""
    columns = ", ".join(f"{expression} as {column}" if name == column else name for name in NEEDED[table])
    league.connection.execute(
        f"alter table league.{table} rename to own_{table};"  # noqa: S608
        f"create view league.{table} as select {columns} from league.own_{table}"
    )


def the_table_again(league: League, table: str) -> None:
    league.connection.execute(f"drop view league.{table}; alter table league.own_{table} rename to {table}")


@pytest.mark.parametrize(("table", "column", "type_name", "made", "to_do"), WRONG)
def test_a_type_that_means_something_else_stops_the_day_and_moves_nothing(
    source: Connection,
    ledger: Connection,
    league: League,
    table: str,
    column: str,
    type_name: str,
    made: str,
    to_do: str,
) -> None:
    league.fee(league.player(), DAY)
    before = fingerprint(ledger)
    as_view(league, table, column, f"({column} is not null)::int" if "null" in made else f"({column} {made})")
    with pytest.raises(PayoutsError) as raised:
        book(ledger, source, DAY)
    sentence = str(raised.value)
    assert f"league.{table}.{column} is {type_name}" in sentence
    assert to_do in sentence
    assert "\n" not in sentence
    assert fingerprint(ledger) == before
    the_table_again(league, table)
    book(ledger, source, DAY)
    assert len(ids(ledger)) == 1


def test_a_kick_off_without_a_zone_never_makes_a_match_of_another_day(
    source: Connection, ledger: Connection, league: League
) -> None:
    """It was charged and paid on both days, once the TimeZone of the database had changed."""
    league.plays(league.match(league.priced(), datetime(2026, 3, 7, 23, tzinfo=SYDNEY)), league.player())
    as_view(league, "matches", "kicked_off_at", "(kicked_off_at at time zone 'UTC')")
    for timezone in ("UTC", "Australia/Sydney", "America/Los_Angeles"):
        source.execute(f"set timezone to '{timezone}'")
        for day in (DAY, date(2026, 3, 8)):
            with pytest.raises(PayoutsError, match="timestamp without time zone and must be timestamp with time zone"):
                book(ledger, source, day)
    assert ids(ledger) == []


@pytest.mark.parametrize(
    ("table", "column", "made"),
    [
        ("matches", "id", "id::int"),
        ("matches", "kicked_off_at", "(kicked_off_at at time zone 'UTC') at time zone 'UTC'"),
        ("matches", "status", "status::varchar(20)"),
        ("matches", "status", "status::league.state"),
        ("fee_structures", "currency", "currency::text"),
        ("fee_structures", "fee_minor", "fee_minor::league.cents"),
        ("fee_shares", "share_bps", "share_bps::smallint"),
    ],
)
def test_types_that_read_alike_will_do(
    source: Connection, ledger: Connection, league: League, table: str, column: str, made: str
) -> None:
    league.connection.execute(
        "create type league.state as enum ('played', 'Scheduled'); create domain league.cents as int check (value >= 0)"
    )
    league.fee(league.player(), DAY)
    as_view(league, table, column, made)
    assert lack(source).mistyped == []
    book(ledger, source, DAY)
    assert len(ids(ledger)) == 1


def test_an_enum_that_lacks_the_word_is_no_error(source: Connection, league: League) -> None:
    """Compared as itself, Postgres would refuse the word."""
    league.connection.execute("create type league.state as enum ('PLAYED', 'OFF')")
    line = league.fee(league.player(), DAY)
    as_view(league, "matches", "status", "upper(status)::league.state")
    assert list(reader.fees_of_day(source, DAY, SYDNEY).whole()["match_player_id"]) == [line]


def test_all_that_is_wrong_is_in_the_one_sentence(source: Connection, league: League) -> None:
    as_view(league, "matches", "kicked_off_at", "kicked_off_at::timestamp")
    as_view(league, "fee_structures", "fee_minor", "fee_minor::numeric")
    league.connection.execute("alter table league.match_players drop column club_id")
    with pytest.raises(PayoutsError) as raised:
        reader.stripe_ids(source, frames.empty(reader.STRIPE_IDS))
    for named in ("league.matches.kicked_off_at", "league.fee_structures.fee_minor", "league.match_players.club_id"):
        assert named in str(raised.value)


def test_a_snapshot_takes_no_more_round_trips_than_before(
    source: Connection, league: League, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The types come with the answer to the statement that begins it, also once psycopg would prepare that."""
    sent: list[object] = []
    execute = source.execute

    def noted(query: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(query)
        return execute(query, *arguments, **options)

    monkeypatch.setattr(source, "execute", noted)
    for _ in range(7):
        sent.clear()
        with reader.snapshot(source):
            pass
        assert len(sent) == 1
