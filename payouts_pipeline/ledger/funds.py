"""Our balance at the provider: which payouts wait for it, what of it is spoken for, and what the ledger knows of it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta

from psycopg.rows import class_row

from payouts_pipeline.domain.funds import WAITS_FOR_FUNDS, Arrival, Move, Payout
from payouts_pipeline.ledger import provider_journal
from payouts_pipeline.ledger.database import Connection, scalar, sql

# What Stripe refused for want of funds keeps its turn, too.
_IN_TURN = sorted({*WAITS_FOR_FUNDS, "balance_insufficient"})


def are_wanted(connection: Connection, day: date) -> bool:
    """Whether anything of the day is to be sent, or may be by now, if our balance covers it."""
    return bool(scalar(connection, sql("wants_funds"), {"day": day, "codes": sorted(WAITS_FOR_FUNDS)}))


def queue(connection: Connection, day: date | None) -> list[Payout]:
    """What of a day is ready to be sent, and what of all days waits for our balance."""
    with connection.cursor(row_factory=class_row(Payout)) as cursor:
        return cursor.execute(sql("funds_queue"), {"day": day, "codes": _IN_TURN}).fetchall()


def left(connection: Connection, available_minor: Mapping[str, int], day: date | None) -> dict[str, int]:
    """What payouts in progress leave of what is available, but for those of the day that are not published yet."""
    spoken_for: dict[str, int] = dict(connection.execute(sql("funds_spoken_for"), {"day": day}).fetchall())
    currencies = {*available_minor, *spoken_for}
    return {each: available_minor.get(each, 0) - spoken_for.get(each, 0) for each in currencies}


def paid_out(connection: Connection) -> dict[str, int]:
    """What was ever paid out, in minor units by currency."""
    return dict(connection.execute(sql("paid_out")).fetchall())


def arrivals(connection: Connection) -> list[Arrival]:
    """What of our balance is pending."""
    with connection.cursor(row_factory=class_row(Arrival)) as cursor:
        return cursor.execute(sql("funds_arriving")).fetchall()


def by_journal(connection: Connection) -> tuple[dict[str, int], list[Arrival]]:
    """What is available by the provider's journal as the ledger has it, and what of our balance is pending.

    What is pending is read last: what is charged meanwhile is counted as that, and not as there.
    """
    found = {each.currency: each.ledger_minor + each.listed_minor for each in provider_journal.balances(connection)}
    arriving = arrivals(connection)
    for each in arriving:
        found[each.currency] = found.get(each.currency, 0) - each.amount_minor
    return found, arriving


def are_known(connection: Connection, within: timedelta) -> bool:
    """Whether the ledger knows what stands on our account, by a journal that was read so lately."""
    return bool(scalar(connection, sql("journal_read_within"), {"span": within}))


def now(connection: Connection) -> datetime:
    """By the clock that the times of instructions are compared with."""
    found: datetime = scalar(connection, sql("read_clock"), {})
    return found


def move(connection: Connection, moves: Iterable[Move], actor: str) -> int:
    """Have payouts wait, or no longer; how many were not moved by somebody else."""
    rows = [asdict(each) for each in moves]
    if not rows:
        return 0
    return connection.execute(sql("move_for_funds"), {"moves": json.dumps(rows, default=str), "actor": actor}).rowcount
