"""What moved our account at Stripe, as the ledger has kept it, and what of it is not understood."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
from psycopg.rows import class_row

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.calendar import bounds
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.domain.findings import NAMED, Finding
from payouts_pipeline.domain.journal import sentence
from payouts_pipeline.ledger.bulk import copy_out
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.provider_journal import LISTED_WITHIN
from payouts_pipeline.reports.queries import sql

_MOST = 100


@dataclass(frozen=True)
class Balance:
    """Our balance at Stripe beside the ledger's, as they were last compared."""

    currency: str
    stripe_minor: int
    ledger_minor: int
    in_transit_minor: int
    difference_minor: int
    at: datetime
    since: datetime | None
    is_on_hold: bool

    @property
    def sentence(self) -> str:
        """By how much they differ, and what follows from that."""
        difference, there = (format_minor(each, self.currency) for each in (self.difference_minor, self.stripe_minor))
        since = f" since {self.since:%Y-%m-%d %H:%M} UTC" if self.since else ""
        follows = "no payout is sent in it" if self.is_on_hold else "Stripe's list may merely lag"
        return f"{there} at Stripe, {difference} of it not explained by the ledger{since}: {follows}."


@dataclass(frozen=True)
class OddMovement:
    """An instruction that Stripe has moved otherwise than it says, and the code of how."""

    id: str
    billing_type: str
    why: str


def of_day(connection: Connection, day: date, timezone: ZoneInfo) -> pd.DataFrame:
    """Every line of Stripe's journal of a local day, as it was entered; see `frames.ACTIVITY`."""
    start, end = bounds(day, timezone)
    return copy_out(connection, sql("activity"), {"start": start, "end": end}, frames.ACTIVITY)


@dataclass(frozen=True)
class Odd:
    """A line of Stripe's journal that is of no instruction, differs from it, or waits for it."""

    id: str
    type: str
    net_minor: int
    currency: str
    created_at: datetime
    assigned_to: str
    why: str

    @property
    def sentence(self) -> str:
        """Why."""
        return sentence(self.why)


def not_understood(connection: Connection, limit: int = _MOST) -> list[Odd]:
    """The newest of them."""
    with connection.cursor(row_factory=class_row(Odd)) as cursor:
        return cursor.execute(sql("not_understood"), {"limit": limit}).fetchall()


def balances(connection: Connection) -> list[Balance]:
    """The last comparison of each currency."""
    with connection.cursor(row_factory=class_row(Balance)) as cursor:
        return cursor.execute(sql("last_looks")).fetchall()


def each_movement_once(connection: Connection, day: date) -> Finding:
    """Whether Stripe has moved every settled instruction of the day once, as it says."""
    with connection.cursor(row_factory=class_row(OddMovement)) as cursor:
        odd = cursor.execute(sql("odd_movements"), {"day": day, "listed_within": LISTED_WITHIN}).fetchall()
    description = (
        "Stripe's journal has every settled instruction of the day once, with its amount, or may not list it yet."
        if not odd
        else f"{len(odd)} movements of the day differ from what was asked: {_reasons(each.why for each in odd)}."
    )
    named = [{"id": each.id, "billing_type": each.billing_type, "why": sentence(each.why)} for each in odd[:NAMED]]
    return Finding(not odd, description, {"instructions": named})


def every_movement_booked(lines: pd.DataFrame, now: datetime) -> Finding:
    """Whether every line of the day that is ours is entered; what is younger may wait for its instruction."""
    limit = f"{now.astimezone(UTC) - LISTED_WITHIN:%Y-%m-%dT%H:%M:%SZ}"
    late = lines[(lines["assigned_to"] == "waits") & (lines["created_at"] < limit)]
    description = (
        "Every line of Stripe's journal that is of an instruction is entered, or may wait for its end."
        if late.empty
        else f"{len(late)} lines of Stripe's journal wait to be entered: {_reasons(late['why'])}."
    )
    return Finding(late.empty, description, {"lines": _named(late)})


def nothing_unknown(lines: pd.DataFrame) -> Finding:
    """Whether every line of the day is of an instruction, a fee, or our own funds."""
    unknown = lines[lines["assigned_to"] == "unassigned"]
    description = (
        "Every line of Stripe's journal is of an instruction, a fee of Stripe's, or our own funds."
        if unknown.empty
        else f"{len(unknown)} lines of Stripe's journal are of no instruction: {_reasons(unknown['why'])}."
    )
    return Finding(unknown.empty, description, {"lines": _named(unknown)})


def provider_balance(found: Sequence[Balance]) -> Finding:
    """Whether the ledger's account is our balance at Stripe, in every currency."""
    different = [each for each in found if each.difference_minor]
    description = (
        "Our balance at Stripe is what the ledger says, in every currency, with what is on its way."
        if found and not different
        else "Our balance at Stripe was not compared with the ledger's yet."
        if not different
        else " ".join(each.sentence for each in different)
    )
    figures = {each.currency: each.difference_minor for each in found}
    return Finding(not different, description, {"difference_minor": figures})


def _reasons(codes: Iterable[str]) -> str:
    counts = Counter(codes)
    return "; ".join(f"{count}: {sentence(code)}" for code, count in counts.most_common(NAMED))


def _named(lines: pd.DataFrame) -> list[dict[str, object]]:
    shown = lines.head(NAMED)
    return [
        {"id": each["transaction_id"], "net_minor": int(each["net_minor"]), "currency": each["currency"]}
        for each in shown.to_dict("records")
    ]
