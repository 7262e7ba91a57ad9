"""Stripe's test cards: which payment method ids stand for them, and how each of them behaves.

Source: https://docs.stripe.com/testing (test cards by payment method). A card is known by its last four
digits, as in the payment method object, so nothing about it has to be kept anywhere else.
"""

from dataclasses import dataclass

from payouts_pipeline.local.stripe_emulator.store import JsonObject


@dataclass(frozen=True, slots=True)
class Decline:
    """Why the issuer refuses, in Stripe's words."""

    code: str
    decline_code: str
    message: str

    @property
    def fields(self) -> JsonObject:
        """What an error says of it besides the message; what is None is not said.

        Source of the advice: docs.stripe.com/declines/codes, and for the test cards what Stripe answered in August
        2026, recorded in github.com/openfoodfoundation/openfoodnetwork (`spec/fixtures/vcr_cassettes`).
        """
        advice, network_advice, network_code = _ADVICE.get(self.decline_code, (None, None, None))
        return {
            "code": self.code,
            "decline_code": self.decline_code,
            "param": _PARAMS.get(self.decline_code),
            "advice_code": advice,
            "network_advice_code": network_advice,
            "network_decline_code": network_code,
        }


# By decline code: what Stripe advises, what the card's network advises, and the network's own code.
_ADVICE: dict[str, tuple[str | None, str | None, str | None]] = {
    "generic_decline": ("try_again_later", None, "01"),
    "insufficient_funds": ("try_again_later", "02", "51"),
    "card_velocity_exceeded": ("try_again_later", "02", "61"),
    "processing_error": ("try_again_later", None, "06"),
    "lost_card": ("do_not_try_again", "01", "41"),
    "stolen_card": ("do_not_try_again", "01", "43"),
    "expired_card": ("confirm_card_data", "03", "54"),
    "incorrect_cvc": ("confirm_card_data", "03", "N7"),
}
# The part of the card that is wrong.
_PARAMS = {"expired_card": "exp_month", "incorrect_cvc": "cvc"}


@dataclass(frozen=True, slots=True)
class Card:
    """One test card; without a decline it pays, unless it wants its owner and the owner is not there."""

    last4: str
    brand: str = "visa"
    decline: Decline | None = None
    needs_authentication: bool = False
    # Most cards that decline do so when they are attached to a customer, too.
    declines_late: bool = False

    @property
    def details(self) -> JsonObject:
        """What its payment method shows."""
        return {
            "type": "card",
            "card": {
                "brand": self.brand,
                "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
                "country": "US",
                "exp_month": 12,
                "exp_year": 2040,
                "fingerprint": f"emulated{self.last4}",
                "funding": "credit",
                "last4": self.last4,
            },
        }


AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)


def card_declined(decline_code: str, message: str = "Your card was declined.") -> Decline:
    """Return the usual decline; `decline_code` is the issuer's reason."""
    return Decline("card_declined", decline_code, message)


GENERIC = Card("0002", decline=card_declined("generic_decline"))
NO_FUNDS = Card("9995", decline=card_declined("insufficient_funds", "Your card has insufficient funds."))
LOST = Card("9987", decline=card_declined("lost_card"))
STOLEN = Card("9979", decline=card_declined("stolen_card"))
# Blocked by Stripe's rules for payments, which nothing else asks.
FRAUDULENT = Card("0019", decline=card_declined("fraudulent"), declines_late=True)
TOO_OFTEN = Card(
    "6975",
    decline=card_declined(
        "card_velocity_exceeded",
        "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
    ),
)
EXPIRED = Card("0069", decline=Decline("expired_card", "expired_card", "Your card has expired."))
WRONG_CVC = Card("0127", decline=Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."))
PROCESSING = Card(
    "0119",
    decline=Decline(
        "processing_error",
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
)
CUSTOMER_FAIL = Card("0341", decline=card_declined("generic_decline"), declines_late=True)
# Pays like any other; a refund to it is pending until the bank has answered.
PENDING_REFUND = Card("7726")

TEST_CARDS = {
    "pm_card_visa": Card("4242"),
    "pm_card_visa_debit": Card("5556"),
    "pm_card_mastercard": Card("4444", "mastercard"),
    "pm_card_amex": Card("8431", "amex"),
    "pm_card_bypassPending": Card("0077"),
    "pm_card_pendingRefund": PENDING_REFUND,
    "pm_card_authenticationRequired": Card("3184", needs_authentication=True),
    "pm_card_threeDSecure2Required": Card("3220", needs_authentication=True),
    "pm_card_chargeCustomerFail": CUSTOMER_FAIL,
    "pm_card_chargeDeclined": GENERIC,
    "pm_card_chargeDeclinedInsufficientFunds": NO_FUNDS,
    "pm_card_chargeDeclinedLostCard": LOST,
    "pm_card_chargeDeclinedStolenCard": STOLEN,
    "pm_card_chargeDeclinedFraudulent": FRAUDULENT,
    "pm_card_chargeDeclinedVelocityLimitExceeded": TOO_OFTEN,
    "pm_card_chargeDeclinedExpiredCard": EXPIRED,
    "pm_card_chargeDeclinedIncorrectCvc": WRONG_CVC,
    "pm_card_chargeDeclinedProcessingError": PROCESSING,
    # Stripe's documentation has the older names above and these.
    "pm_card_visa_chargeDeclined": GENERIC,
    "pm_card_visa_chargeDeclinedInsufficientFunds": NO_FUNDS,
    "pm_card_visa_chargeDeclinedLostCard": LOST,
    "pm_card_visa_chargeDeclinedStolenCard": STOLEN,
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": TOO_OFTEN,
}
CARDS_BY_LAST4 = {card.last4: card for card in TEST_CARDS.values()}


def decline_of(card: Card, *, owner_is_there: bool) -> Decline | None:
    """Why the card refuses, or None if it pays or waits for its owner."""
    return AUTHENTICATION_REQUIRED if card.needs_authentication and not owner_is_there else card.decline
