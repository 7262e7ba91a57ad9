"""Ledgers that versions have left behind, as files: what is upgraded must be one of these, and not a new one.

A file has the rows of schemas `league` and `payouts` as they were under the migrations of its name. It is written once,
with the version that releases the last of them:

    python -m payouts_tests.support.frozen_ledgers payouts_tests/integration/ledger/ledger_of_0001.json
"""

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from psycopg import sql

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.domain.limits import Limits
from payouts_pipeline.domain.splits import split
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader
from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.ledger.migrate import migrate
from payouts_pipeline.local.embedded import embedded, stop
from payouts_pipeline.workflow import operator_actions, phases
from payouts_tests.support.leagues import DAY, SYDNEY, League
from payouts_tests.support.ledger_steps import (
    ACTOR,
    Decide,
    left_alone,
    materialise,
    rejected,
    release,
    settle,
    settled,
    unknown,
    waiting,
)

DAYS = [DAY + timedelta(days=number) for number in range(6)]
LIMITS = Limits({"EUR": 50_000})

_TABLES = """
select table_schema, table_name, array_agg(column_name::text order by ordinal_position)
from information_schema.columns
join information_schema.tables using (table_schema, table_name)
where table_schema in ('league', 'payouts') and table_type = 'BASE TABLE' and is_generated = 'NEVER'
group by table_schema, table_name
order by table_schema, table_name
"""
_SEQUENCES = """
select format('select setval(pg_get_serial_sequence(%L, %L), (select max(id) from %s))', t, 'id', t)
from (
    select format('payouts.%I', table_name) as t
    from information_schema.columns
    where table_schema = 'payouts' and is_identity = 'YES'
) as counted
"""


def fill(ledger: Connection, source: Connection, league: League) -> None:
    """Days that settled, were held, refused, broken off, corrected and carried over."""
    _settled(ledger, source, league)
    for day, decide in zip(DAYS[1:5], (waiting, rejected, unknown, left_alone), strict=True):
        _open(ledger, source, league, day, decide)
    _held_and_carried_over(ledger, source, league)


def _settled(ledger: Connection, source: Connection, league: League) -> None:
    """A day in two currencies; then one fee falls, one rises, one is struck off, and not all of it goes out again."""
    shares = [
        ("club", None, 0, 5_000), ("organiser", None, 100, 2_500), ("partner", league.partner(), 0, 500),
        ("platform", None, 0, 2_000),
    ]  # fmt: skip
    players = [league.player(method="pm_card_visa") for _ in range(3)]
    lines = [league.fee(player, DAY, 1_500, "EUR", shares=shares) for player in [*players, *players]]
    league.fee(players[0], DAY, 2_000, "JPY")
    league.fee(players[1], DAY, shares=[("club", None, 0, 1)])
    materialise(ledger, source, DAY)
    league.fee_becomes(lines[0], 1_200)
    league.fee_becomes(lines[1], 1_800)
    league.strike_off(lines[2])
    materialise(ledger, source, DAY, waiting)


def _open(ledger: Connection, source: Connection, league: League, day: date, decide: Decide) -> None:
    """One player is charged and the club's payout ends so, the other's charge does."""
    league.fee(league.player(method="pm_card_visa"), day)
    materialise(ledger, source, day)
    league.fee(league.player(method="pm_card_visa"), day, 1_700)
    materialise(ledger, source, day, decide)


def _held_and_carried_over(ledger: Connection, source: Connection, league: League) -> None:
    """No customer, a person's hold, an amount to approve, one that was cancelled, and less than Stripe takes."""
    day, on_hold = DAYS[5], league.player(method="pm_card_visa")
    league.fee(league.player(customer=None), day)
    league.fee(on_hold, day)
    league.fee(league.player(), day, 60_000)
    league.fee(league.player(), day, 70_000)
    league.fee(league.player(), day, 30)
    operator_actions.hold(ledger, source, Payee(BillingSubject.PLAYER, on_hold), ACTOR, "fraud suspected")
    splits = split(reader.fees_of_day(source, day, SYDNEY))
    phases.open_charges(ledger, source, day, splits, ACTOR, LIMITS)
    large = ledger.execute("select id from payouts.instructions where amount_minor >= 60000 order by amount_minor")
    (approved,), (taken_back,) = large.fetchall()
    operator_actions.approve(ledger, approved, ACTOR, "known")
    operator_actions.cancel(ledger, taken_back, ACTOR, "booked by mistake")
    settle(ledger, day, settled)
    release(ledger, source, day)


def dump(connection: Connection) -> str:
    """All rows of both schemas."""
    tables = connection.execute(_TABLES).fetchall()
    return json.dumps(
        [[schema, table, names, _rows(connection, schema, table, names)] for schema, table, names in tables]
    )


def _rows(connection: Connection, schema: str, table: str, names: Sequence[str]) -> list[str]:
    query = sql.SQL("copy {} ({}) to stdout").format(sql.Identifier(schema, table), _columns(names))
    with connection.cursor().copy(query) as copy:
        return sorted(bytes(row).decode() for row in copy)


def load(connection: Connection, text: str) -> None:
    """Put the rows back, under the migrations that they were written with."""
    with connection.transaction():
        connection.execute("set local session_replication_role = replica")
        for schema, table, names, rows in json.loads(text):
            name = sql.Identifier(schema, table)
            connection.execute(sql.SQL("delete from {}").format(name))
            with connection.cursor().copy(sql.SQL("copy {} ({}) from stdin").format(name, _columns(names))) as copy:
                copy.write("".join(rows))
        for (statement,) in connection.execute(_SEQUENCES).fetchall():
            connection.execute(statement)


def _columns(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def main(file: Path) -> None:
    """Write the ledger of this version."""
    with TemporaryDirectory(prefix="payouts-frozen-") as folder:
        state_dir = Path(folder) / ".payouts"
        with embedded(["postgres"], state_dir) as environment:
            url = environment["PAYOUTS_DATABASE_URL"]
            with open_connection(url) as ledger, open_connection(url) as source:
                ledger.execute(Path("payouts_pipeline/league/schema.sql").read_bytes())
                migrate(ledger)
                fill(ledger, source, League(ledger))
                file.write_text(dump(ledger), "utf-8")
        with suppress(PayoutsError):
            stop(state_dir)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
