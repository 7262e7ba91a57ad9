"""Schema `league` is the public contract, no more and no less."""

from datetime import date
from importlib import resources
from typing import Any

import psycopg
import pytest
from psycopg import errors

from payouts_pipeline.local.season import load_season

SYDNEY, LAST_DAY = "Australia/Sydney", date(2026, 11, 22)
Connection = psycopg.Connection[Any]

# Design section 3, written down a second time: it is what operators write views to.
CONTRACT = {
    "organisers": "id bigint, name text, stripe_account_id text?",
    "clubs": "id bigint, name text, stripe_account_id text?",
    "partners": "id bigint, name text, stripe_account_id text?",
    "players": "id bigint, name text, club_id bigint, stripe_customer_id text?, stripe_payment_method_id text?",
    "competitions": "id bigint, name text, organiser_id bigint",
    "matches": "id bigint, competition_id bigint, kicked_off_at timestamp with time zone, status text",
    "match_players": "id bigint, match_id bigint, player_id bigint, club_id bigint?",
    "fee_structures": "id bigint, competition_id bigint, effective_from date, currency character(3), fee_minor bigint",
    "fee_shares": "fee_structure_id bigint, billing_subject text, partner_id bigint?, fixed_minor bigint, "
    "share_bps integer",
}


def league_sql() -> bytes:
    return resources.files("payouts_pipeline.league").joinpath("schema.sql").read_bytes()


def test_the_schema_is_the_contract_and_can_be_applied_twice(database: Connection) -> None:
    database.execute(league_sql())
    database.execute(league_sql())
    columns = database.execute(
        """
        select c.relname, string_agg(
            concat(attname, ' ', format_type(atttypid, atttypmod), case when not attnotnull then '?' end),
            ', ' order by a.attnum)
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace = 'league'::regnamespace and c.relkind = 'r'
        group by c.relname
        """
    ).fetchall()

    assert dict(columns) == CONTRACT


def test_every_table_says_what_it_is(database: Connection) -> None:
    database.execute(league_sql())
    silent = database.execute(
        "select relname from pg_class where relnamespace = 'league'::regnamespace and relkind = 'r' "
        "and obj_description(oid) is null"
    ).fetchall()

    assert silent == []


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("update league.matches set status = 'won'", errors.CheckViolation),
        ("insert into league.matches values (1, 1, now(), 'played')", errors.ForeignKeyViolation),
        (
            "insert into league.match_players select 1, match_id, player_id from league.match_players limit 1",
            errors.UniqueViolation,
        ),
        (
            "insert into league.fee_structures select 1, competition_id, effective_from, 'EUR', 1000 "
            "from league.fee_structures limit 1",
            errors.UniqueViolation,
        ),
    ],
)
def test_the_schema_refuses_what_the_contract_refuses(
    database: Connection, statement: str, error: type[Exception]
) -> None:
    load_season(database, SYDNEY, LAST_DAY, days=1)

    with pytest.raises(error):
        database.execute(statement.encode())


def test_the_schema_stores_terms_that_cannot_be_split(database: Connection) -> None:
    load_season(database, SYDNEY, LAST_DAY, days=1)

    database.execute("update league.fee_structures set fee_minor = -5, currency = 'XXX'")
    database.execute("update league.fee_shares set share_bps = -1, billing_subject = 'referee'")
