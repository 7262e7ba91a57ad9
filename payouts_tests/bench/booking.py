"""A large day, from the snapshot to its charges and payouts, held against bare COPY of the same rows in the same run.

PAYOUTS_BENCH_FEES=1000000 measures a day of that size.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from statistics import median

from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import bookings, instructions, locks
from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.workflow import phases
from payouts_tests.bench.installation import DAY, SETTLED, copy_of, make_league, parts
from payouts_tests.support.leagues import SYDNEY

FEES = int(os.environ.get("PAYOUTS_BENCH_FEES", "100000"))
FEES_PER_PLAYER = 2.5
PAIRS = 3

# The rows that the snapshot reads, as a plain table.
_BARE_TABLES = """
create schema bench;
create table bench.snapshot as
select mp.id, mp.match_id, m.competition_id, c.organiser_id, mp.player_id, p.club_id, s.id as fee_structure_id,
    1::bigint as terms_count, s.currency, s.fee_minor
from league.match_players as mp
join league.matches as m on m.id = mp.match_id
join league.competitions as c on c.id = m.competition_id
join league.players as p on p.id = mp.player_id
join league.fee_structures as s on s.competition_id = c.id
"""
# A row for each share beside a row for each fee, as whoever has no allocations would keep them.
_EMPTY = "create table bench.{table} as select {columns} from payouts.{table} with no data"
_ALL = "(select {columns} from payouts.{table})"
_FEE_KEY = "day, player_id, match_player_id, match_id, currency"
_LINE = f"{_FEE_KEY}, booking_id, amount_minor"
_ROWS = {"fees": f"{_LINE}, charge_id, own_release_id", "shares": f"{_LINE}, billing_subject, subject_id"}
_KEYS = {
    "fees": f"{_FEE_KEY}, booking_id",
    "shares": f"{_FEE_KEY}, billing_subject, subject_id, booking_id",
}


@dataclass(frozen=True)
class Pair:
    """Seconds of one repetition; the charges' include the booking, and both the lines: these are made when read."""

    snapshot_s: float
    split_s: float
    booking_s: float
    charges_s: float
    payouts_s: float
    unchanged_s: float
    copy_out_s: float
    copy_in_s: float
    copy_in_with_keys_s: float

    @property
    def ratios(self) -> Mapping[str, float]:
        """To the floor: the rows out of the snapshot, and into tables with the ledger's primary keys."""
        floor_s = self.copy_out_s + self.copy_in_with_keys_s
        read_s = self.snapshot_s + self.split_s
        return {
            "booked": (read_s + self.booking_s) / floor_s,
            "booked and charged": (read_s + self.charges_s) / floor_s,
            "booked, charged and paid out": (read_s + self.charges_s + self.payouts_s) / floor_s,
            "again, unchanged": (read_s + self.unchanged_s) / floor_s,
            "booked, floor without keys": (read_s + self.booking_s) / (self.copy_out_s + self.copy_in_s),
        }


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def run() -> None:
    """Print the ratios and their parts."""
    print(f"\nA day of {FEES:,} fees against bare COPY out and COPY in of the same rows: ratios, and seconds")
    with parts("postgres") as environment:
        make_league(environment, FEES, FEES_PER_PLAYER)
        pairs = [_pair(environment, number) for number in range(PAIRS)]
    for name in pairs[0].ratios:
        _show(name, [pair.ratios[name] for pair in pairs])
    for name in [field.name for field in fields(Pair)]:
        _show(f"{name.removesuffix('_s')} [s]", [float(getattr(pair, name)) for pair in pairs])


def _show(name: str, figures: list[float]) -> None:
    print(
        f"  {name.replace('_', ' '):30} {median(figures):7.2f}   of " + " ".join(f"{figure:.2f}" for figure in figures)
    )


def _pair(environment: Mapping[str, str], number: int) -> Pair:
    with open_connection(copy_of(environment, f"booked_{number}")) as ledger:
        snapshot_s, split_s, lines = _read(ledger)
        booking_s = timed(lambda: _book(ledger, lines))
    with open_connection(url := copy_of(environment, f"paid_{number}")) as ledger, open_connection(url) as source:
        open_charges = lambda: phases.open_charges(ledger, source, DAY, lines, "bench")  # noqa: E731
        charges_s = timed(open_charges)
        unchanged_s = timed(open_charges)
        for statement in SETTLED:
            ledger.execute(statement)
        payouts_s = timed(lambda: phases.open_payouts(ledger, source, DAY, {}, "bench"))
        ledger.execute(_BARE_TABLES)
        return Pair(snapshot_s, split_s, booking_s, charges_s, payouts_s, unchanged_s, *_bare(ledger))


def _read(source: Connection) -> tuple[float, float, Batches]:
    started = time.perf_counter()
    fees = reader.fees_of_day(source, DAY, SYDNEY)
    read = time.perf_counter()
    lines = split(fees)
    return read - started, time.perf_counter() - read, lines


def _book(ledger: Connection, lines: Batches) -> None:
    """Without charges: the players' are left to be made later."""
    with ledger.transaction():
        locks.lock_day(ledger, DAY)
        bookings.post(ledger, DAY, lines, "bench")
        instructions.make_charges_at_once(ledger, DAY, [], {}, "bench")
        bookings.write_fees(ledger, DAY)


def _bare(connection: Connection) -> tuple[float, float, float]:
    """Seconds of COPY out of the snapshot's rows, and of COPY in of the booked rows, without and with keys."""
    copy_out_s = timed(lambda: _copied_out(connection, "bench.snapshot"))
    rows = {table: _copied_out(connection, _ALL.format(table=table, columns=_ROWS[table])) for table in _ROWS}
    return copy_out_s, _all_copied_in(connection, rows, {}), _all_copied_in(connection, rows, _KEYS)


def _all_copied_in(connection: Connection, rows: Mapping[str, bytes], keys: Mapping[str, str]) -> float:
    for table in rows:
        connection.execute(_EMPTY.format(table=table, columns=_ROWS[table]))
    for table, key in keys.items():
        connection.execute(f"alter table bench.{table} add primary key ({key})")

    def copy_in() -> None:
        for table, content in rows.items():
            _copied_in(connection, f"bench.{table}", content)

    seconds = timed(copy_in)
    for table in rows:
        connection.execute(f"drop table bench.{table}")
    return seconds


def _copied_out(connection: Connection, table: str) -> bytes:
    with connection.cursor().copy(f"copy {table} to stdout (format csv)") as copy:
        return b"".join(bytes(block) for block in copy)


def _copied_in(connection: Connection, table: str, rows: bytes) -> None:
    with connection.cursor().copy(f"copy {table} from stdin (format csv)") as copy:
        copy.write(rows)
