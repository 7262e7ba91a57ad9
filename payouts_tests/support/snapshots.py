"""Snapshots for explanations that need no database: lines, instructions and accounts with what a test cares about."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid5

from payouts_pipeline.domain.billing import SUBJECT_OF, BillingSubject, BillingType, Payee
from payouts_pipeline.reports.explain.snapshot import Instruction, Line, Position, ShareLine, Snapshot

DAY, NEXT = date(2026, 3, 7), date(2026, 3, 14)
NOW = datetime(2026, 3, 8, 3, tzinfo=UTC)
PLAYER = Payee(BillingSubject.PLAYER, 42)
CLUB = Payee(BillingSubject.CLUB, 3)
_LINE = {
    "day": DAY, "match_id": 7, "match_player_id": 70, "player_id": 42, "currency": "EUR", "booking_id": 1,
    "booked_at": NOW, "booked_by": "run", "charge_id": None, "release_id": None, "released_at": None, "is_held": False,
}  # fmt: skip


def id_of(number: int) -> UUID:
    return uuid5(UUID(int=0), str(number))


def fee(amount_minor: int = 1_000, **also: Any) -> Line:
    """A fee that nothing was done about."""
    return Line(**{**_LINE, "amount_minor": amount_minor, "fee_minor": amount_minor, **also})


def share(amount_minor: int = 700, payee: Payee = CLUB, **also: Any) -> ShareLine:
    """A share of a fee that was collected."""
    its = {"billing_subject": payee.subject.value, "subject_id": payee.subject_id, "payout_id": None}
    line = {**_LINE, **its, "fee_minor": 1_000, "release_id": 5, "released_at": NOW, "charge_id": id_of(1)}
    return ShareLine(**{**line, "amount_minor": amount_minor, **also})


def instruction(number: int, status: str, payee: Payee = PLAYER, **also: Any) -> Instruction:
    """A charge of a player, or a payout to a payee; what waits was declined for now."""
    billing_type = next(kind for kind, subject in SUBJECT_OF.items() if subject == payee.subject)
    facts: dict[str, Any] = {
        "id": id_of(number), "day": DAY, "billing_type": BillingType(billing_type), "payee": str(payee),
        "currency": "EUR", "amount_minor": 1_000, "sequence": 1, "status": status, "status_at": NOW,
        "changed_by": "run", "reason_code": None if status == "settled" else "lock_timeout", "reason_details": {},
        "retry_at": NOW if status == "waiting" else None, "created_at": NOW, "provider_request_id": None,
        "provider_reference": f"pi_{number}" if status == "settled" else None, "approved_by": None,
        "next_step": None if status == "settled" else f"'payouts run {DAY}'",
    }  # fmt: skip
    return Instruction(**{**facts, **also})


def position(payee: Payee, open_minor: int, payable_minor: int | None = None) -> Position:
    """An account of which just this much is open."""
    return Position(
        1, str(payee), "EUR", booked_minor=0, released_minor=0, settled_minor=0, in_flight_minor=0,
        open_minor=open_minor, not_collected_minor=0, payable_minor=payable_minor, payable_day=NEXT,
    )  # fmt: skip


def snapshot(subject: Any, *funds: Instruction | Position, **also: Any) -> Snapshot:
    """Of a subject, with these instructions and accounts."""
    instructions = {each.id: each for each in funds if isinstance(each, Instruction)}
    positions = {(each.payee, each.currency): each for each in funds if isinstance(each, Position)}
    return Snapshot(subject, instructions=instructions, positions=positions, **also)
