"""The documents of `payouts explain`: dataclasses that are shown to people, and as JSON.

Amounts are integers in minor units. An explanation is of one moment of the ledger.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from payouts_pipeline.reports.explain.funds_location import Movement, Place, Position
from payouts_pipeline.reports.explain.league_now import Difference, Rule, RulePart
from payouts_pipeline.reports.status import HeldOut as DayHeldOut


@dataclass(frozen=True)
class MatchName:
    """A match as the subject of a question."""

    match_id: int

    def __str__(self) -> str:
        """As on the command line."""
        return f"match:{self.match_id}"


@dataclass(frozen=True)
class Part:
    """What one booking added to a fee or a share, and where that is."""

    booking_id: int
    booked_at: datetime
    booked_by: str
    amount_minor: int
    place: Place
    instruction_id: UUID | None
    why: str | None
    next_step: str | None
    retry_at: datetime | None
    released_at: datetime | None


@dataclass(frozen=True)
class Share:
    """A payee's part of a fee. ``terms`` is the row of the fee structure, where `league` still has it."""

    payee: str
    amount_minor: int
    terms: RulePart | None
    parts: list[Part]


@dataclass(frozen=True)
class Fee:
    """What a player owes for a match: amount_minor is the sum of its parts, and of its shares."""

    day: date
    match_id: int
    match_player_id: int
    player_id: int
    currency: str
    amount_minor: int
    fee_structure_id: int | None
    parts: list[Part]
    shares: list[Share]


@dataclass(frozen=True)
class PayeeShare:
    """A payee's share of one fee of a day."""

    match_id: int
    match_player_id: int
    player_id: int
    currency: str
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
class HeldOut:
    """A fee that can't be split, and is booked for nobody."""

    day: date
    match_id: int
    match_player_id: int | None
    reason: str


@dataclass(frozen=True)
class BookedDay:
    """What was booked on an account for a day, with all corrections since."""

    day: date
    currency: str
    booked_minor: int


@dataclass(frozen=True)
class Uncollected:
    """A payee's shares of one day that wait for charges of one kind."""

    day: date
    currency: str
    charge_status: str | None
    charge_reason: str | None
    retry_at: datetime | None
    shares: int
    amount_minor: int


@dataclass(frozen=True)
class Unpaid:
    """What the run of one day released and no payout pays yet."""

    day: date
    currency: str
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
    held_out: list[HeldOut]
    instructions: list[Movement]
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
    instructions: list[Movement]
    accounts: list[Position]
    unpaid: list[Unpaid]
    held_out: list[DayHeldOut]
    on_hold: str | None


@dataclass(frozen=True)
class AccountExplained:
    """Everything of a player or payee: positions, and what is open of them; and the days that can be asked for."""

    subject: str
    accounts: list[Position]
    on_hold: str | None
    open_fees: list[Fee]
    uncollected: list[Uncollected]
    unpaid: list[Unpaid]
    held_out: list[HeldOut]
    instructions: list[Movement]
    instructions_left_out: int
    days: list[BookedDay]


@dataclass(frozen=True)
class Event:
    """A change of an instruction's status."""

    at: datetime
    from_status: str | None
    to_status: str
    actor: str
    reason: str | None
    provider_request_id: str | None


@dataclass(frozen=True)
class ReleaseLine:
    """What a payout pays: what the run of one day released."""

    day: date
    release_id: int
    released_at: datetime
    amount_minor: int


@dataclass(frozen=True)
class InstructionExplained:
    """An instruction: its history, its attempts, and what it covers: the fees of a charge, the releases of a payout.

    What a charge covers beyond its amount, a credit of the player pays for.
    """

    subject: str
    instruction: Movement
    events: list[Event]
    fees: list[Fee]
    release_lines: list[ReleaseLine]
    covered_minor: int


Explained = FeesExplained | PayeeDayExplained | AccountExplained | InstructionExplained
