"""Who takes part in a payment, and which money movement each of them has."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class BillingSubject(StrEnum):
    """Who a line of a fee belongs to: the player owes it, every other subject gets a share of it."""

    PLAYER = "player"
    CLUB = "club"
    ORGANISER = "organiser"
    PARTNER = "partner"
    PLATFORM = "platform"


class BillingType(StrEnum):
    """The kinds of intended money movement; each has its own queue."""

    PLAYER_CHARGE = "player_charge"
    CLUB_PAYOUT = "club_payout"
    ORGANISER_PAYOUT = "organiser_payout"
    PARTNER_PAYOUT = "partner_payout"
    CHARGE_REFUND = "charge_refund"
    PAYOUT_REVERSAL = "payout_reversal"


# The platform's share stays where the charges arrive, so no movement belongs to it.
BILLING_TYPE_OF = {
    BillingSubject.PLAYER: BillingType.PLAYER_CHARGE,
    BillingSubject.CLUB: BillingType.CLUB_PAYOUT,
    BillingSubject.ORGANISER: BillingType.ORGANISER_PAYOUT,
    BillingSubject.PARTNER: BillingType.PARTNER_PAYOUT,
}

SUBJECT_OF = {billing_type: subject for subject, billing_type in BILLING_TYPE_OF.items()}

PAYOUT_TYPES = (BillingType.CLUB_PAYOUT, BillingType.ORGANISER_PAYOUT, BillingType.PARTNER_PAYOUT)

# What an operator asks Stripe to give back, of a charge or of a payout.
RETURN_TYPES = (BillingType.CHARGE_REFUND, BillingType.PAYOUT_REVERSAL)

# Whose money they move, in a sentence: a reversal may be of any payee.
WHOSE: Mapping[BillingType, str] = {
    **SUBJECT_OF,
    BillingType.CHARGE_REFUND: BillingSubject.PLAYER,
    BillingType.PAYOUT_REVERSAL: "payee",
}

# Remainders of a split go out in this order, and the platform comes last.
SHARE_ORDER = (
    BillingSubject.CLUB,
    BillingSubject.ORGANISER,
    BillingSubject.PARTNER,
    BillingSubject.PLATFORM,
)

# The platform has one account per currency; an id keeps it in the same columns as the others.
PLATFORM_ID = 0

# Ids are `bigint` in the database.
_IDS_END = 2**63


@dataclass(frozen=True)
class Payee:
    """Whose money it is, as people name it: club:17, organiser:3, partner:1; a player, who pays; the platform."""

    subject: BillingSubject
    subject_id: int

    def __str__(self) -> str:
        """As on the command line; the platform has no id there."""
        return str(self.subject) if self.subject == BillingSubject.PLATFORM else f"{self.subject}:{self.subject_id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The payee or player that a text like club:17 names. Raises ValueError with a sentence that says how."""
        subject, _, number = text.partition(":")
        if subject not in SUBJECT_OF.values() or not number.isdecimal() or int(number) >= _IDS_END:
            raise ValueError(
                f"'{text}' is not a valid payee: give one like club:17, organiser:3, partner:1 or player:9."
            )
        return cls(BillingSubject(subject), int(number))

    @property
    def parameters(self) -> dict[str, object]:
        """As the queries want it."""
        return {"subject": self.subject.value, "subject_id": self.subject_id}
