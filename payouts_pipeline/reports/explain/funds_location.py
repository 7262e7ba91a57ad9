"""Where each cent is, why it is not further, and what would move it: what support tells who asks for it.

A line of a fee is at the player's end (collected or not), a line of a share at the payee's (paid or not). Lines are
never added up over these two: what was collected of one is what may be paid of the other.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from payouts_pipeline.domain.currencies import format_minor, minimum_charge_minor
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.reports.status import Instruction


class Place(StrEnum):
    """Where a line's money is."""

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
    """Where money is; what is not at its end says why, and what would move it."""

    place: Place
    instruction_id: UUID | None = None
    why: str | None = None
    next_step: str | None = None
    retry_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether anything is left to happen."""
        return self.place not in AT_ITS_END


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
class Movement(Instruction):
    """An instruction as support sees it."""

    sequence: int
    status_at: datetime
    changed_by: str
    created_at: datetime
    provider_reference: str | None
    provider_request_id: str | None
    approved_by: str | None
    next_step: str | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def is_charge(self) -> bool:
        """Whether it collects; else it pays."""
        return self.billing_type == "player_charge"

    @property
    def name(self) -> str:
        """As a sentence names it."""
        return f"{'charge' if self.is_charge else 'payout'} {self.id}"


@dataclass(frozen=True)
class FeeLine:
    """What one booking changed of one fee, and how that was collected."""

    day: date
    match_id: int
    match_player_id: int
    player_id: int
    currency: str
    booking_id: int
    booked_at: datetime
    booked_by: str
    amount_minor: int
    charge_id: UUID | None
    release_id: int | None
    release_day: date | None
    released_at: datetime | None

    @property
    def fee_minor(self) -> int:
        """As of a share: what the booking changed of the fee."""
        return self.amount_minor


@dataclass(frozen=True)
class ShareLine:
    """What one booking changed of one share of a fee (fee_minor: of the fee itself), and how that is paid."""

    day: date
    match_id: int
    match_player_id: int
    player_id: int
    currency: str
    booking_id: int
    booked_at: datetime
    booked_by: str
    billing_subject: str
    subject_id: int
    amount_minor: int
    fee_minor: int
    account_id: int
    charge_id: UUID | None
    release_id: int | None
    release_day: date | None
    released_at: datetime | None
    payout_id: UUID | None

    @property
    def payee(self) -> str:
        """As on the command line; the platform has no id."""
        return (
            self.billing_subject if self.billing_subject == "platform" else f"{self.billing_subject}:{self.subject_id}"
        )


def of_instruction(place: Place, movement: Movement) -> FundsLocation:
    """Money that an instruction moves which is not at its end."""
    why = f"{movement.name} is {movement.status}: {movement.reason}"
    return FundsLocation(place, movement.id, why, movement.next_step, movement.retry_at)


def of_collected(line: FeeLine | ShareLine) -> FundsLocation:
    """A fee whose shares are released: a charge collected it, a credit paid for it, or there was nothing to collect."""
    if line.charge_id is not None:
        return FundsLocation(Place.COLLECTED, line.charge_id)
    return FundsLocation(Place.CREDITED if line.fee_minor > 0 else Place.LOWERED)


def of_charged(charge: Movement) -> FundsLocation:
    """A fee that a charge covers, and whose shares are not released."""
    if charge.status != Status.SETTLED:
        return of_instruction(Place.CHARGED, charge)
    why = f"{charge.name} is settled, and the shares are not released yet"
    return FundsLocation(Place.CHARGED, charge.id, why, f"they are by itself, or with 'payouts run {charge.day}'")


def of_uncharged(line: FeeLine | ShareLine, player: Position, *, is_blocked: bool) -> FundsLocation:
    """A fee that no charge covers; ``player`` is the account that owes it.

    ``is_blocked``: a fee of the player was corrected while a charge of it is open, so no further charge is made.
    """
    return FundsLocation(
        Place.NOT_CHARGED, None, *_why_not_charged(line.day, line.fee_minor, player, is_blocked=is_blocked)
    )


def _why_not_charged(day: date, fee_minor: int, player: Position, *, is_blocked: bool) -> tuple[str, str]:
    """Why no charge covers a line, in the order of the rules by which charges are made."""
    owes = format_minor(player.open_minor, player.currency)
    minimum_minor = minimum_charge_minor(player.currency)
    if is_blocked:
        return (
            "a fee of the player was corrected while its charge is open: what is left to ask for is known after it",
            f"that charge comes to its end ('payouts explain {player.payee}' shows it)",
        )
    if fee_minor < 0:
        return "a credit", "the player's next charge is lower by it"
    if player.open_minor <= 0:
        return "a credit of the player pays for it", f"that is noted by 'payouts run {day}'"
    if player.open_minor < minimum_minor:
        minimum = format_minor(minimum_minor, player.currency)
        return (
            f"the player owes {owes} in all, under Stripe's minimum of {minimum}",
            "the player's next charge takes it",
        )
    return f"no charge was made yet of the {owes} that the player owes", f"'payouts run {day}' makes one"


def of_share(
    line: ShareLine, payout: Movement | None, account: Position, fee: FundsLocation, minimum_minor: int
) -> FundsLocation:
    """Where a share's money is; ``fee`` is where the fee's is that it is a part of."""
    if line.release_id is None:
        return replace(fee, place=Place.NOT_COLLECTED)
    if line.billing_subject == "platform":
        return FundsLocation(Place.KEPT)
    if payout is None:
        return FundsLocation(Place.PAYABLE, None, *_why_not_paid(line, account, minimum_minor))
    if payout.status == Status.SETTLED:
        return FundsLocation(Place.PAID, payout.id)
    return of_instruction(Place.IN_PAYOUT, payout)


def _why_not_paid(line: ShareLine, account: Position, minimum_minor: int) -> tuple[str, str]:
    """Why no payout pays a share that was collected, in the order of the rules by which payouts are made."""
    payable_minor = account.payable_minor or 0
    payable = format_minor(payable_minor, account.currency)
    if line.amount_minor < 0 or payable_minor <= 0:
        why = "a correction took it back" if line.amount_minor < 0 else "it works off what was paid too much"
        return f"{why} (payable in all: {payable})", "the next payouts work it off"
    if payable_minor < minimum_minor:
        minimum = format_minor(minimum_minor, account.currency)
        return f"{payable} are payable in all, under the minimum payout of {minimum}", "the next payout takes it"
    if account.open_minor < payable_minor:
        return (
            "a correction took a share back whose fee waits for a charge: it is worked off before more is paid",
            f"'payouts explain {account.payee}' says which",
        )
    return f"no payout was made yet of the {payable} payable", f"'payouts run {account.payable_day}' makes one"
