"""Who takes part in a payment, and which money movement each of them has."""

from enum import StrEnum


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


# The platform's share stays where the charges arrive, so no movement belongs to it.
BILLING_TYPE_OF = {
    BillingSubject.PLAYER: BillingType.PLAYER_CHARGE,
    BillingSubject.CLUB: BillingType.CLUB_PAYOUT,
    BillingSubject.ORGANISER: BillingType.ORGANISER_PAYOUT,
    BillingSubject.PARTNER: BillingType.PARTNER_PAYOUT,
}

SUBJECT_OF = {billing_type: subject for subject, billing_type in BILLING_TYPE_OF.items()}

PAYOUT_TYPES = (BillingType.CLUB_PAYOUT, BillingType.ORGANISER_PAYOUT, BillingType.PARTNER_PAYOUT)

# Remainders of a split go out in this order, and the platform comes last.
SHARE_ORDER = (
    BillingSubject.CLUB,
    BillingSubject.ORGANISER,
    BillingSubject.PARTNER,
    BillingSubject.PLATFORM,
)

# The platform has one account per currency; an id keeps it in the same columns as the others.
PLATFORM_ID = 0
