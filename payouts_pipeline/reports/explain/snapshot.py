"""What is fetched to explain where money is: rows of the ledger, all of one moment. Amounts are in minor units."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from payouts_pipeline.domain.billing import BillingSubject, BillingType, Payee
from payouts_pipeline.reports import status
from payouts_pipeline.reports.banks import PayeeBank
from payouts_pipeline.reports.explain.league_now import FeesNow, MatchName

# What can be explained; a UUID is the id of an instruction.
Subject = UUID | MatchName | Payee


@dataclass(frozen=True)
class FeeName:
    """Which fee: what a player owes for a match of a day."""

    day: date
    match_id: int
    match_player_id: int
    player_id: int
    currency: str

    def __str__(self) -> str:
        """As people know it by."""
        return f"player:{self.player_id} in match:{self.match_id}"


@dataclass(frozen=True)
class Line(FeeName):
    """What one booking changed of one fee, and how that was collected.

    ``fee_minor`` is what it changed of the fee, also where ``amount_minor`` is that of a share. ``is_held``: Stripe
    took the fee back, and nobody has said that it is asked for again.
    """

    booking_id: int
    booked_at: datetime
    booked_by: str
    amount_minor: int
    fee_minor: int
    charge_id: UUID | None
    release_id: int | None
    released_at: datetime | None
    is_held: bool

    @property
    def fee(self) -> FeeName:
        """Which fee it is of."""
        return FeeName(self.day, self.match_id, self.match_player_id, self.player_id, self.currency)

    @property
    def player(self) -> Payee:
        """Who owes the fee."""
        return Payee(BillingSubject.PLAYER, self.player_id)


@dataclass(frozen=True)
class ShareLine(Line):
    """What one booking changed of one share of a fee, and how that is paid."""

    billing_subject: str
    subject_id: int
    payout_id: UUID | None

    @property
    def payee(self) -> Payee:
        """Whose share it is."""
        return Payee(BillingSubject(self.billing_subject), self.subject_id)


@dataclass(frozen=True)
class Position:
    """An account: booked = settled + in flight + open.

    A payee's open balance is what no player has paid yet (not_collected_minor) and what no payout pays yet
    (payable_minor, which a player has not). The run of payable_day pays all of that in one: the last day whose run
    released any of it, since a run pays what was released up to its day.
    """

    id: int
    payee: str
    currency: str
    booked_minor: int
    released_minor: int
    settled_minor: int
    in_flight_minor: int
    open_minor: int
    not_collected_minor: int
    payable_minor: int | None
    payable_day: date | None


@dataclass(frozen=True)
class Attempt:
    """One try at the provider; the key and the request's id are what its support asks for."""

    instruction_id: UUID
    number: int
    idempotency_key: str
    first_sent_at: datetime
    last_sent_at: datetime
    sends: int
    outcome: str | None
    code: str | None
    provider_request_id: str | None
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Instruction(status.Instruction):
    """An instruction as support sees it."""

    sequence: int
    status_at: datetime
    changed_by: str
    created_at: datetime
    provider_reference: str | None
    provider_request_id: str | None
    approved_by: str | None
    returned_minor: int = 0
    next_step: str | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def is_charge(self) -> bool:
        """Whether it collects; else it pays."""
        return self.billing_type == BillingType.PLAYER_CHARGE

    @property
    def name(self) -> str:
        """As a sentence names it."""
        kinds = {BillingType.PLAYER_CHARGE: "charge", BillingType.CHARGE_REFUND: "refund"}
        kinds[BillingType.PAYOUT_REVERSAL] = "reversal"
        return f"{kinds.get(BillingType(self.billing_type), 'payout')} {self.id}"


@dataclass(frozen=True)
class HeldOut:
    """A fee that can't be split, and is booked for nobody."""

    day: date
    match_id: int
    match_player_id: int | None
    reason: str


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
class BookedDay:
    """What was booked on an account for a day, with all corrections since."""

    day: date
    currency: str
    booked_minor: int


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
class ReturnOrder:
    """What somebody has asked Stripe to give back of an instruction, by another; ``fees`` are those of a refund."""

    instruction_id: UUID
    takes_back_id: UUID
    target: str
    status: str
    amount_minor: int
    actor: str
    reason: str
    at: datetime
    fees: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Returned:
    """What Stripe took back of an instruction, or, negative, brought again; ``left_minor`` of it stayed after that.

    ``order_id``: by whose order, where it was ours. Of a payout ``again_id`` is the one that has paid it again since.
    ``is_held``: nobody has said that it is charged, or paid, again.
    """

    transaction_id: str
    category: str
    source_id: str | None
    happened_at: datetime
    booked_at: datetime
    amount_minor: int
    left_minor: int
    order_id: UUID | None
    again_id: UUID | None
    is_held: bool


@dataclass(frozen=True)
class Adjustment:
    """What somebody has written off of a player or payee; or moved, and then to or from which ``other``."""

    at: datetime
    currency: str
    amount_minor: int
    other: str | None
    actor: str
    reason: str


@dataclass(frozen=True)
class ReleaseLine:
    """What a payout pays: what the run of one day released; or, negative, what of it Stripe took back (`Returned`)."""

    day: date
    release_id: int
    released_at: datetime
    amount_minor: int
    return_id: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """What there is about a subject, of one moment of the ledger, and what `league` says of it now.

    ``instructions`` and ``positions`` are the subject's own, and those that the lines need: the charges and payouts
    that move them, and the accounts that owe or are owed what is on no instruction. ``instructions_left_out`` is how
    many older ones the subject has. ``blocked`` are players, by currency, of whom a fee was corrected while its charge
    is open: no further charge is made of them.
    """

    subject: Subject
    league: FeesNow = field(default_factory=FeesNow)
    minimum_payouts_minor: Mapping[str, int] = field(default_factory=dict)
    day: date | None = None
    fees: Sequence[Line] = ()
    shares: Sequence[ShareLine] = ()
    instructions: Mapping[UUID, Instruction] = field(default_factory=dict)
    instructions_left_out: int = 0
    # By payee and currency.
    positions: Mapping[tuple[str, str], Position] = field(default_factory=dict)
    blocked: Collection[tuple[str, str]] = ()
    on_hold: str | None = None
    held_out: Sequence[HeldOut] = ()
    held_out_of_day: Sequence[status.HeldOut] = ()
    days: Sequence[BookedDay] = ()
    uncollected: Sequence[Uncollected] = ()
    unpaid: Sequence[Unpaid] = ()
    events: Sequence[Event] = ()
    release_lines: Sequence[ReleaseLine] = ()
    return_orders: Sequence[ReturnOrder] = ()
    adjustments: Sequence[Adjustment] = ()
    bank: Sequence[PayeeBank] = ()
    returned: Sequence[Returned] = ()
