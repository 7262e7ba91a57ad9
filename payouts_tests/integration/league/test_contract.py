"""What the reader needs of schema `league` is what the contract says: no more, and no less."""

import re
from datetime import timedelta

import pandas as pd
import pytest
from psycopg.sql import SQL, Identifier

from payouts_pipeline.domain.words import STATUSES
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader
from payouts_pipeline.league.contract import NEEDED, Lack, lack
from payouts_pipeline.ledger.database import Connection
from payouts_tests.support.leagues import DAY, SYDNEY, League

ACCOUNTS = pd.DataFrame(
    [{"billing_subject": each, "subject_id": 1} for each in ("player", "club", "organiser", "partner")]
)
COLUMNS = [(table, column) for table, columns in NEEDED.items() for column in columns]


def read_everything(source: Connection) -> None:
    reader.fees_of_day(source, DAY, SYDNEY)
    reader.fingerprints(source, [DAY, DAY + timedelta(days=1)], SYDNEY)
    reader.stripe_ids(source, ACCOUNTS)
    reader.matches_without_line_up(source, DAY, SYDNEY)


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_the_reader_needs_each_column_and_its_absence_is_named(
    source: Connection, league: League, table: str, column: str
) -> None:
    league.fee(league.player(), DAY)
    read_everything(source)
    assert lack(source) == Lack([], [], [])
    source.execute(SQL("alter table league.{} drop column {} cascade").format(Identifier(table), Identifier(column)))
    assert lack(source) == Lack([f"{table}.{column}"], [], [])
    with pytest.raises(PayoutsError, match="Schema 'league' does not fit"):
        read_everything(source)


def test_the_reader_needs_no_other_column(source: Connection, league: League) -> None:
    league.fee(league.player(), DAY)
    everything = source.execute(
        "select table_name, column_name from information_schema.columns where table_schema = 'league'"
    ).fetchall()
    for table, column in set(everything) - set(COLUMNS):
        drop = SQL("alter table league.{} drop column {} cascade")
        source.execute(drop.format(Identifier(table), Identifier(column)))
    read_everything(source)
    assert lack(source) == Lack([], [], [])


def test_a_table_that_is_missing_stands_for_its_columns(source: Connection) -> None:
    source.execute("drop table league.fee_shares")
    assert lack(source) == Lack(["fee_shares"], [], [])
    source.execute("drop schema league cascade")
    assert lack(source) == Lack(sorted(NEEDED), [], [])


def test_the_statuses_that_are_known_are_those_of_the_schema(source: Connection) -> None:
    [(rule,)] = source.execute(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'matches_status_check'"
    ).fetchall()
    assert set(re.findall(r"'(\w+)'", rule)) == set(STATUSES)
