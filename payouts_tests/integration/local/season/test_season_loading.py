"""Loading the sample season into a real PostgreSQL: whole, day by day, and never over somebody's data."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from importlib import resources
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.season import ForeignLeagueError, catalogue, load_season, season_frames
from payouts_pipeline.local.season.frames import COLUMNS

SYDNEY, LONDON = "Australia/Sydney", "Europe/London"
LAST_DAY = date(2026, 11, 22)
Connection = psycopg.Connection[Any]
Connect = Callable[[], Connection]


def league_sql() -> bytes:
    return resources.files("payouts_pipeline.league").joinpath("schema.sql").read_bytes()


def contents(database: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in one order."""
    query = SQL("select * from league.{} t order by t::text")
    return {table: database.execute(query.format(Identifier(table))).fetchall() for table in COLUMNS}


def count(database: Connection, table: str) -> int:
    row = database.execute(SQL("select count(*) from league.{}").format(Identifier(table))).fetchone()
    assert row is not None
    return int(row[0])


def has_schema(database: Connection) -> bool:
    return database.execute("select from pg_namespace where nspname = 'league'").fetchone() is not None


# --- loading --------------------------------------------------------------------------------------


def test_an_empty_database_gets_the_whole_season(database: Connection) -> None:
    summary = load_season(database, SYDNEY, LAST_DAY)
    frames = season_frames(date(2026, 9, 9), LAST_DAY, SYDNEY)

    assert (summary.first_day, summary.last_day, summary.days_added) == (date(2026, 9, 9), LAST_DAY, 75)
    assert summary.rows_added == {table: len(frame) for table, frame in frames.items()}
    assert summary.rows_added == {table: count(database, table) for table in COLUMNS}


def test_what_is_loaded_is_what_was_made(database: Connection) -> None:
    load_season(database, LONDON, LAST_DAY, days=2)
    frames = season_frames(LAST_DAY - timedelta(days=1), LAST_DAY, LONDON)

    for table in ("players", "matches", "match_players", "fee_structures"):
        made = frames[table].astype(object)
        made = made.where(made.notna(), None)
        assert sorted(contents(database)[table]) == sorted(made.itertuples(index=False, name=None)), table


def test_loading_again_adds_nothing(database: Connection) -> None:
    load_season(database, SYDNEY, LAST_DAY, days=20)
    before = contents(database)
    again = load_season(database, SYDNEY, LAST_DAY, days=20)
    longer = load_season(database, SYDNEY, LAST_DAY - timedelta(days=3), days=75)

    assert contents(database) == before
    for summary in (again, longer):
        assert summary.days_added == 0
        assert set(summary.rows_added.values()) == {0}
        assert (summary.first_day, summary.last_day) == (LAST_DAY - timedelta(days=19), LAST_DAY)


def test_a_season_extended_by_days_equals_one_loaded_at_once(database: Connection) -> None:
    # The new days cross the first of November, when terms change.
    load_season(database, SYDNEY, date(2026, 10, 30), days=10)
    first = load_season(database, SYDNEY, date(2026, 10, 31))
    second = load_season(database, SYDNEY, date(2026, 11, 2))
    extended = contents(database)
    database.execute("drop schema league cascade")
    load_season(database, SYDNEY, date(2026, 11, 2), days=13)

    assert (first.days_added, second.days_added) == (1, 2)
    assert (first.rows_added["fee_structures"], second.rows_added["fee_structures"]) == (0, 2)
    assert second.first_day == date(2026, 10, 21)
    assert extended == contents(database)


def test_an_extension_leaves_corrections_made_by_hand_alone(database: Connection) -> None:
    load_season(database, SYDNEY, LAST_DAY, days=3)
    database.execute("update league.clubs set stripe_account_id = 'acct_found' where stripe_account_id is null")
    database.execute("update league.matches set kicked_off_at = kicked_off_at + interval '9 days'")
    database.execute("delete from league.match_players where id % 2 = 0")
    database.execute("delete from league.fee_shares where partner_id is not null")
    before = contents(database)
    load_season(database, SYDNEY, LAST_DAY + timedelta(days=1))
    after = contents(database)

    for table, rows in before.items():
        assert set(rows) <= set(after[table]), table
    assert after["fee_shares"] == before["fee_shares"]
    assert after["clubs"] == before["clubs"]


def test_matches_that_were_all_deleted_come_back(database: Connection) -> None:
    load_season(database, SYDNEY, LAST_DAY, days=30)
    before = contents(database)
    database.execute("truncate league.matches cascade")
    load_season(database, SYDNEY, LAST_DAY, days=30)

    assert contents(database) == before


def test_loading_works_on_a_connection_without_autocommit(connect: Connect) -> None:
    writer = connect()
    writer.autocommit = False
    load_season(writer, SYDNEY, LAST_DAY, days=1)

    assert count(connect(), "players") == 500


def test_two_loaders_at_once_load_one_season(connect: Connect) -> None:
    added: list[int] = []

    def load(connection: Connection) -> None:
        added.append(load_season(connection, SYDNEY, LAST_DAY, days=5).days_added)

    loaders = [threading.Thread(target=load, args=(connect(),)) for _ in range(2)]
    for loader in loaders:
        loader.start()
    for loader in loaders:
        loader.join()

    assert sorted(added) == [0, 5]


# --- days -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timezone", "last_day"),
    [
        (SYDNEY, date(2026, 4, 7)),
        (SYDNEY, date(2026, 10, 6)),
        (LONDON, date(2026, 3, 31)),
        (LONDON, date(2026, 10, 27)),
    ],
)
def test_over_days_of_23_and_25_hours_every_match_is_in_one_day_for_postgres_too(
    database: Connection, timezone: str, last_day: date
) -> None:
    summary = load_season(database, timezone, last_day, days=5)
    matches_of_day = database.execute(
        """
        select d::date, array_agg(m.id / 100 order by m.id), max(upper(hours) - lower(hours))
        from generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day') d
        cross join lateral (
            select tstzrange(d at time zone %(timezone)s, (d + '1 day') at time zone %(timezone)s) as hours
        ) local_day
        join league.matches m on m.kicked_off_at <@ hours
        group by d
        """,
        {"first": summary.first_day, "last": last_day, "timezone": timezone},
    ).fetchall()

    assert len(matches_of_day) == 5
    assert sum(len(days) for _, days, _ in matches_of_day) == summary.rows_added["matches"]
    assert all(set(days) == {int(f"{day:%Y%m%d}")} for day, days, _ in matches_of_day)
    assert {hours for _, _, hours in matches_of_day} - {timedelta(hours=24)} <= {
        timedelta(hours=23),
        timedelta(hours=25),
    }
    assert len({hours for _, _, hours in matches_of_day}) == 2


# --- somebody else's league -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "insert into league.organisers values (1, 'Our own league', 'acct_1')",
        "insert into league.clubs values (1, 'Our own club', null)",
    ],
)
def test_a_league_with_rows_of_its_own_is_refused_and_not_touched(database: Connection, statement: str) -> None:
    database.execute(league_sql())
    database.execute(statement.encode())
    before = contents(database)

    with pytest.raises(ForeignLeagueError, match="is not the sample season, so nothing was loaded"):
        load_season(database, SYDNEY, LAST_DAY, days=1)
    assert contents(database) == before


def test_a_sample_season_to_which_an_organiser_was_added_is_refused(database: Connection) -> None:
    load_season(database, SYDNEY, LAST_DAY, days=1)
    database.execute("insert into league.organisers values (1, 'Our own league', 'acct_1')")

    with pytest.raises(ForeignLeagueError):
        load_season(database, SYDNEY, LAST_DAY + timedelta(days=1))
    assert count(database, "matches") == len(season_frames(LAST_DAY, LAST_DAY, SYDNEY)["matches"])


def test_a_league_of_views_is_refused_and_not_touched(database: Connection) -> None:
    database.execute("create schema league")
    database.execute("create view league.organisers as select 1::bigint as id, 'x' as name")

    with pytest.raises(PayoutsError, match=r"consists of views \(organisers\)"):
        load_season(database, SYDNEY, LAST_DAY, days=1)
    assert database.execute("select relname from pg_class where relnamespace = 'league'::regnamespace").fetchall() == [
        ("organisers",)
    ]


def test_a_league_of_other_columns_is_refused_with_the_column_named(database: Connection) -> None:
    database.execute("create schema league")
    database.execute("create table league.players (id bigint primary key, full_name text)")

    with pytest.raises(ForeignLeagueError, match='column "name" of relation "players" does not exist'):
        load_season(database, SYDNEY, LAST_DAY, days=1)
    assert count(database, "players") == 0


def test_a_login_that_can_only_read_is_refused(connect: Connect) -> None:
    admin = connect()
    admin.execute("create role reader")
    reader = connect()
    reader.execute("set role reader")

    with pytest.raises(ForeignLeagueError, match=r"cannot be loaded into schema league \(permission denied"):
        load_season(reader, SYDNEY, LAST_DAY, days=1)
    assert not has_schema(admin)
    admin.execute("drop role reader")


def test_a_replica_is_refused(database: Connection) -> None:
    database.execute("set default_transaction_read_only = on")

    with pytest.raises(ForeignLeagueError, match="in a read-only transaction"):
        load_season(database, SYDNEY, LAST_DAY, days=1)


def test_a_load_that_fails_leaves_nothing_behind(database: Connection) -> None:
    with pytest.raises(Exception, match="No time zone found"):
        load_season(database, "Atlantis/Capital", LAST_DAY, days=1)
    assert not has_schema(database)


def test_the_sample_is_recognised_by_its_ids_whatever_it_is_called_now(database: Connection) -> None:
    load_season(database, SYDNEY, LAST_DAY, days=1)
    database.execute("update league.organisers set name = 'Renamed' where id = %s", [catalogue.HARBOUR])

    assert load_season(database, SYDNEY, LAST_DAY + timedelta(days=1)).days_added == 1
