"""Snapshot, split and booking of a large day, held against bare COPY of the same rows in the same run."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from statistics import median

from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import bookings, locks
from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.workflow import phases
from payouts_tests.bench.installation import DAY, copy_of, make_league, parts
from payouts_tests.support.leagues import SYDNEY

FEES = 100_000
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
_FEE_KEY = "day, match_player_id, match_id, player_id, currency"
_LINE = f"{_FEE_KEY}, booking_id, amount_minor"
_ROWS = {"fees": f"{_LINE}, charge_id, own_release_id", "shares": f"{_LINE}, billing_subject, subject_id"}
_KEYS = {
    "fees": f"{_FEE_KEY}, booking_id",
    "shares": f"{_FEE_KEY}, billing_subject, subject_id, booking_id",
}


@dataclass(frozen=True)
class Pair:
    """Seconds of one repetition."""

    snapshot_s: float
    split_s: float
    booking_s: float
    charges_s: float
    copy_out_s: float
    copy_in_s: float
    copy_in_with_keys_s: float

    @property
    def ratio(self) -> float:
        """Against tables without a key, which is as bare as it gets."""
        return self._pipeline_s / (self.copy_out_s + self.copy_in_s)

    @property
    def ratio_with_keys(self) -> float:
        """Against tables with the ledger's primary keys, without which no row could be booked only once."""
        return self._pipeline_s / (self.copy_out_s + self.copy_in_with_keys_s)

    @property
    def _pipeline_s(self) -> float:
        return self.snapshot_s + self.split_s + self.booking_s


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def run() -> None:
    """Print the ratio and its parts."""
    print(f"\nA day of {FEES:,} fees: snapshot + split + booking against bare COPY out + COPY in of the same rows")
    with parts("postgres") as environment:
        make_league(environment, FEES, FEES_PER_PLAYER)
        pairs = [_pair(copy_of(environment, f"pair_{number}")) for number in range(PAIRS)]
    for name in [field.name for field in fields(Pair)]:
        _show(f"{name.removesuffix('_s')} [s]", [float(getattr(pair, name)) for pair in pairs])
    _show("ratio, tables without keys", [pair.ratio for pair in pairs])
    _show("ratio, tables with their keys", [pair.ratio_with_keys for pair in pairs])
    print("  (charges, which are made after the booking, are not part of the ratios)")


def _show(name: str, figures: list[float]) -> None:
    print(
        f"  {name.replace('_', ' '):30} {median(figures):7.2f}   of " + " ".join(f"{figure:.2f}" for figure in figures)
    )


def _pair(url: str) -> Pair:
    with open_connection(url) as ledger, open_connection(url) as source:
        started = time.perf_counter()
        fees = reader.fees_of_day(source, DAY, SYDNEY)
        read = time.perf_counter()
        lines = split(fees)
        done = time.perf_counter()

        def book() -> None:
            with ledger.transaction():
                locks.lock_day(ledger, DAY)
                bookings.book(ledger, DAY, lines, "bench")

        booking_s = timed(book)
        charges_s = timed(lambda: phases.open_charges(ledger, source, DAY, lines, "bench"))
        ledger.execute(_BARE_TABLES)
        return Pair(read - started, done - read, booking_s, charges_s, *_bare(ledger))


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
