"""A day on a ledger with three years of history, held against the same day on an empty one."""

import time
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from statistics import median

import pandas as pd

from payouts_pipeline.defs.check_catalogue import PayoutsOfDay
from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import checkpoints
from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.reports import checks, overview, status
from payouts_pipeline.reports.charts.days import DAYS
from payouts_pipeline.reports.explain.assemble import assemble
from payouts_pipeline.reports.explain.fetch import fetch
from payouts_pipeline.reports.explain.league_now import LeagueNow
from payouts_pipeline.workflow import due, phases
from payouts_tests.bench.installation import DAY, copy_of, make_league, parts
from payouts_tests.support.leagues import SYDNEY
from payouts_tests.support.ledger_steps import settle

HISTORY_DAYS = 1_000
FEES = 1_000
FEES_PER_PLAYER = 2.5
PAIRS = 3

# What is not of any day.
_TIMELESS = {
    "accounts", "account_checkpoints", "allocation_lines", "allocations", "calendar", "checkpoints", "identity",
    "identity_events", "migrations", "paid_accounts", "payee_accounts", "rate_limit", "transitions",
}  # fmt: skip
# How the columns of the first day's rows become those of the n-th.
_UUIDS = ("instruction_id", "charge_id", "payout_id")
# Ids begin with the number of their day.
_LATER_ID = (
    "(lpad(to_hex((('x' || substr({0}::text, 1, 6))::bit(24)::int + n) & 16777215), 6, '0')"
    " || substr({0}::text, 7))::uuid"
)
_COUNTED = {"booking_id": "bookings", "release_id": "releases"}
_BY_NAME = {"match_id": 10**6, "match_player_id": 10**6}
_COLUMNS = """
select table_name, array_agg(column_name::text order by ordinal_position),
    array_agg(data_type::text order by ordinal_position)
from information_schema.columns
join information_schema.tables using (table_schema, table_name)
where table_schema = 'payouts' and table_type = 'BASE TABLE' and is_generated = 'NEVER'
    and table_name <> all(%s)
group by table_name
"""


def fill(ledger: Connection, first_day: date, days: int) -> None:
    """Repeat what the ledger has of its only day on the days that follow it, whatever its tables and columns are."""
    tables = ledger.execute(_COLUMNS, [sorted(_TIMELESS)]).fetchall()
    steps = {table: _count(ledger, table) for table in _COUNTED.values()}
    with ledger.transaction():
        ledger.execute("set local session_replication_role = replica")
        for table, columns, types in tables:
            _repeat(ledger, table, dict(zip(columns, types, strict=True)), steps, days)
        ledger.execute(
            "update payouts.accounts set booked_minor = booked_minor * %(n)s, released_minor = released_minor * %(n)s,"
            " settled_minor = settled_minor * %(n)s, in_flight_minor = in_flight_minor * %(n)s",
            {"n": days},
        )
    _write_checkpoints(ledger)
    ledger.execute("vacuum analyze")


def _count(ledger: Connection, table: str) -> int:
    return int(ledger.execute(f"select max(id) from payouts.{table}").fetchall()[0][0])  # noqa: S608


def _repeat(ledger: Connection, table: str, columns: Mapping[str, str], steps: Mapping[str, int], days: int) -> None:
    # Of events and entries, the ids follow the order in which they are inserted.
    chosen = [name for name in columns if name != "id" or columns["id"] == "uuid" or table in steps]
    values = ", ".join(_repeated(table, name, columns[name], steps) for name in chosen)
    ledger.execute(
        f"insert into payouts.{table} ({', '.join(chosen)}) overriding system value select {values}"  # noqa: S608
        f" from generate_series(1, {days - 1}) as n cross join payouts.{table} as t"
        f" order by n, t.{'id' if 'id' in columns else chosen[0]}"
    )
    if table in steps:
        ledger.execute(f"select setval(pg_get_serial_sequence('payouts.{table}', 'id'), {days * steps[table]})")


def _repeated(table: str, name: str, of_type: str, steps: Mapping[str, int]) -> str:
    column = f"t.{name}"
    if of_type == "uuid" and (name in _UUIDS or (table, name) == ("instructions", "id")):
        return _LATER_ID.format(column)
    if name in _COUNTED or (name == "id" and table in steps):
        return f"{column} + n * {steps[_COUNTED.get(name, table)]}"
    if name in _BY_NAME:
        return f"{column} + n * {_BY_NAME[name]}"
    if name == "provider_reference":
        return f"{column} || ' ' || n"
    if of_type == "date":
        return f"{column} + n"
    if of_type.startswith("timestamp"):
        return f"{column} + n * interval '1 day'"
    return column


def _write_checkpoints(ledger: Connection) -> None:
    """As the runs of these days would have: the ledger is nothing but what they entered."""
    ((last,),) = ledger.execute("select max(id) from payouts.entries").fetchall()
    for entry_id in range(checkpoints.ENTRIES_WORTH_IT, last + 1, checkpoints.ENTRIES_WORTH_IT):
        checkpoints.write(ledger, entry_id)


def run() -> None:
    """Print the ratio, and those of its parts."""
    print(f"\nA day of {FEES:,} fees after {HISTORY_DAYS:,} days of as many, against the same day on an empty ledger")
    with parts("postgres") as environment:
        make_league(environment, FEES, FEES_PER_PLAYER)
        old_url = copy_of(environment, "old")
        _make_old(old_url)
        empty, old = [], []
        for number in range(PAIRS):
            empty.append(_day(copy_of(environment, f"empty_{number}"), DAY + timedelta(days=number)))
            old.append(_day(old_url, DAY + timedelta(days=number)))
    for part in empty[0]:
        _show(part, [day[part] for day in empty], [day[part] for day in old])
    _show("all of it", [sum(day.values()) for day in empty], [sum(day.values()) for day in old])


def _show(part: str, empty: list[float], old: list[float]) -> None:
    ratios = [one / other for one, other in zip(old, empty, strict=True)]
    print(f"  {part:24} {median(old):7.3f} s to {median(empty):7.3f} s   ratio {median(ratios):5.2f}")


def _make_old(url: str) -> None:
    first_day = DAY - timedelta(days=HISTORY_DAYS)
    with open_connection(url) as ledger, open_connection(url) as source:
        _move(ledger, source, first_day, _splits(source, first_day))
        fill(ledger, first_day, HISTORY_DAYS)


def _splits(source: Connection, day: date) -> Batches:
    """The league has one day of matches, which is played again and again as other matches."""
    later = (day - DAY).days

    def of_day(fees: pd.DataFrame) -> pd.DataFrame:
        return fees.assign(**{name: fees[name] + step * later for name, step in _BY_NAME.items()})

    return split(reader.fees_of_day(source, DAY, SYDNEY).map(of_day))


def _move(ledger: Connection, source: Connection, day: date, splits: Batches) -> dict[str, float]:
    """Book, charge, release and pay out, with a provider that takes no time; the seconds of each."""
    return {
        "booking and charges": _timed(lambda: phases.open_charges(ledger, source, day, splits, "bench")),
        "charges settle": _timed(lambda: settle(ledger, day)),
        "release and payouts": _timed(lambda: phases.open_payouts(ledger, source, day, {}, "bench")),
        "payouts settle": _timed(lambda: settle(ledger, day)),
    }


def _day(url: str, day: date) -> dict[str, float]:
    """The seconds of each thing that is done on a day, by whomever."""
    with open_connection(url) as ledger, open_connection(url) as source:
        splits = _splits(source, day)
        moved = _move(ledger, source, day, splits)
        ((player,),) = ledger.execute("select min(player_id) from payouts.fees where day = %s", [day]).fetchall()
        return moved | {
            "again, unchanged": _timed(lambda: phases.open_charges(ledger, source, day, splits, "bench")),
            "checks": _timed(lambda: _check(ledger, day, splits)),
            "status and charts": _timed(lambda: _look(ledger, day)),
            "sensors": _timed(lambda: _sense(ledger, source, day)),
            "explain": _timed(lambda: _explain(ledger, source, day, player)),
        }


def _check(ledger: Connection, day: date, splits: Batches) -> None:
    found = PayoutsOfDay(day, ledger, checks.overdue_instructions(ledger, [day]), [], {})
    assert found.audit.errors == []
    checks.booked_equals_split(ledger, day, splits)
    checks.fees_usual(ledger, day)


def _look(ledger: Connection, day: date) -> None:
    status.with_open_instructions(ledger, day)
    overview.flow(ledger, day)
    overview.last_days(ledger, day, DAYS, ["player_charge"])


def _explain(ledger: Connection, source: Connection, day: date, player: int) -> None:
    league = LeagueNow(source, SYDNEY, None)
    for payee in (Payee(BillingSubject.PLAYER, player), Payee(BillingSubject.CLUB, 1)):
        for of_day in (day, None):
            assemble(fetch(ledger, league, payee, of_day, {}))


def _sense(ledger: Connection, source: Connection, day: date) -> None:
    due.days_due(ledger, source)
    due.day_states(ledger, source, day - timedelta(days=30), day, SYDNEY)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
