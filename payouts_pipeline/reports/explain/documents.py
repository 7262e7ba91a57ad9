"""The documents of `payouts explain`: dataclasses that are shown to people, and as JSON.

Amounts are integers in minor units. An explanation is of one moment of the ledger.
"""

from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from payouts_pipeline.domain.reasons import WithReason
from payouts_pipeline.reports import status
from payouts_pipeline.reports.banks import PayeeBank
from payouts_pipeline.reports.explain import snapshot
from payouts_pipeline.reports.explain.league_now import Difference, Rule, RulePart
from payouts_pipeline.reports.explain.snapshot import FeeName, Instruction, Position


class Place(StrEnum):
    """Where a part's money is: of a fee at the player's end, of a share at the payee's.

    Never added up over the two: what was collected of a fee is what may be paid of its shares.
    """

    # Of a fee.
    COLLECTED = "collected"
    CREDITED = "paid by a credit"
    LOWERED = "credited to the player"
    CHARGED = "in a charge"
    NOT_CHARGED = "not charged yet"
    # Of a share.
    PAID = "paid"
    KEPT = "kept by the platform"
    IN_PAYOUT = "in a payout"
    PAYABLE = "payable, in no payout yet"
    NOT_COLLECTED = "fee not collected"


AT_ITS_END = frozenset({Place.COLLECTED, Place.CREDITED, Place.LOWERED, Place.PAID, Place.KEPT})


@dataclass(frozen=True)
class FundsLocation:
    """Where money is; what is not at its end says why, and what the next step is."""

    place: Place
    instruction_id: UUID | None = None
    why: str | None = None
    next_step: str | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Part(FundsLocation):
    """What one booking added to a fee or a share, and where that is."""

    booking_id: int
    booked_at: datetime
    booked_by: str
    amount_minor: int
    released_at: datetime | None


@dataclass(frozen=True)
class Share:
    """A payee's part of a fee. ``terms`` is the row of the fee structure, where `league` still has it."""

    payee: str
    amount_minor: int
    terms: RulePart | None
    parts: list[Part]


@dataclass(frozen=True)
class Fee(FeeName):
    """What a player owes for a match: amount_minor is the sum of its parts, and of its shares."""

    amount_minor: int
    fee_structure_id: int | None
    parts: list[Part]
    shares: list[Share]


@dataclass(frozen=True)
class PayeeShare(FeeName):
    """A payee's share of one fee of a day."""

    fee_structure_id: int | None
    share: Share


@dataclass(frozen=True)
class Total:
    """How much of the lines of one kind (`fees`, `shares`) is in one place."""

    of: str
    currency: str
    place: Place
    lines: int
    amount_minor: int


@dataclass(frozen=True)
class FeesExplained:
    """A match, or a player's day: each fee with its shares. The open fees come first."""

    subject: str
    days: list[date]
    totals: list[Total]
    fees: list[Fee]
    rules: list[Rule]
    rules_problem: str | None
    would_book: list[Difference]
    held_out: list[snapshot.HeldOut]
    instructions: list[Instruction]
    accounts: list[Position]
    on_hold: str | None


@dataclass(frozen=True)
class PayeeDayExplained:
    """A payee's day: its shares, and the payouts that pay them or that the day made. The open shares come first."""

    subject: str
    days: list[date]
    totals: list[Total]
    shares: list[PayeeShare]
    rules: list[Rule]
    rules_problem: str | None
    instructions: list[Instruction]
    accounts: list[Position]
    unpaid: list[snapshot.Unpaid]
    held_out: list[status.HeldOut]
    on_hold: str | None
    bank: list[PayeeBank]


@dataclass(frozen=True)
class AccountExplained:
    """Everything of a player or payee: positions, and what is open of them; and the days that can be asked for."""

    subject: str
    accounts: list[Position]
    on_hold: str | None
    open_fees: list[Fee]
    uncollected: list[snapshot.Uncollected]
    unpaid: list[snapshot.Unpaid]
    held_out: list[snapshot.HeldOut]
    instructions: list[Instruction]
    instructions_left_out: int
    days: list[snapshot.BookedDay]
    adjustments: list[snapshot.Adjustment]
    bank: list[PayeeBank]


@dataclass(frozen=True)
class InstructionExplained:
    """An instruction: its history, its attempts, and what it pays for: the fees of a charge, the releases of a payout.

    What a charge pays for beyond its amount, a credit of the player pays for. ``return_orders``: what is given back of
    it; of a refund or a reversal its own. ``returned``: what has come back of it, whoever asked for that.
    """

    subject: str
    instruction: Instruction
    events: list[snapshot.Event]
    fees: list[Fee]
    release_lines: list[snapshot.ReleaseLine]
    covered_minor: int
    return_orders: list[snapshot.ReturnOrder]
    returned: list[snapshot.Returned]


Explained = FeesExplained | PayeeDayExplained | AccountExplained | InstructionExplained


def as_json(explained: Explained) -> dict[str, Any]:
    """An explanation as JSON has it: amounts in minor units, times in UTC, reasons as sentences beside their codes."""
    plain: dict[str, Any] = _plain(explained)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, PayeeBank):
        return value.as_json()
    if is_dataclass(value):
        names = [field.name for field in fields(value)] + (["reason"] if isinstance(value, WithReason) else [])
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return str(value) if isinstance(value, (UUID, date)) else value
