"""Test bank accounts: payments that take days and can still fail, such as direct debits.

A payment by bank debit is `processing` for days before it succeeds or fails
(https://docs.stripe.com/payments/paymentintents/lifecycle). The accounts `pm_usBankAccount_…` are Stripe's own
(https://docs.stripe.com/payments/ach-direct-debit/set-up-payment, "Test account numbers"). Stripe has them for
dollars only: those of the other debits here are named after them, so that a test can use them by the currency.
"""

from dataclasses import dataclass

from payouts_pipeline.local.stripe_emulator.cards import Decline
from payouts_pipeline.local.stripe_emulator.store import JsonObject

# "A payment typically takes 4 business days to arrive in your account."
DEBIT_DURATION_S = 4 * 24 * 60 * 60

# By the name in the test id: type of the payment method, and the one currency that it takes.
DEBIT_TYPES = {
    "usBankAccount": ("us_bank_account", "usd"),
    "sepaDebit": ("sepa_debit", "eur"),
    "auBecsDebit": ("au_becs_debit", "aud"),
}


@dataclass(frozen=True, slots=True)
class Debit:
    """One test bank account; without a failure it pays, and one that never ends can still be cancelled."""

    last4: str
    type: str
    currency: str
    failure: Decline | None = None
    ends: bool = True

    @property
    def details(self) -> JsonObject:
        """What its payment method shows."""
        account = {"bank_name": "STRIPE TEST BANK", "fingerprint": f"emulated{self.last4}", "last4": self.last4}
        return {"type": self.type, self.type: account}


def _failure(code: str, message: str) -> Decline:
    return Decline(code, code, message)


# By the other half of the name, with the last digits of the account number; codes: docs.stripe.com/error-codes.
_BEHAVIOURS: dict[str, tuple[str, Decline | None]] = {
    "success": ("6789", None),
    "accountClosed": ("1113", _failure("account_closed", "The customer's bank account has been closed.")),
    "noAccount": ("1116", _failure("no_account", "The customer's bank account could not be located.")),
    "insufficientFunds": (
        "2227",
        _failure("insufficient_funds", "The customer's account has insufficient funds to cover this payment."),
    ),
    "debitNotAuthorized": (
        "3335",
        _failure("debit_not_authorized", "The customer has notified their bank that this payment was unauthorized."),
    ),
    "processing": ("0009", None),
}

TEST_DEBITS = {
    f"pm_{name}_{behaviour}": Debit(last4, kind, currency, failure, ends=behaviour != "processing")
    for name, (kind, currency) in DEBIT_TYPES.items()
    for behaviour, (last4, failure) in _BEHAVIOURS.items()
}
