"""How an answer of Stripe's is written down, and where it is known from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ERRORS = "https://docs.stripe.com/api/errors"
CODES = "https://docs.stripe.com/error-codes"
DECLINE_CODES = "https://docs.stripe.com/declines/codes"
TESTING = "https://docs.stripe.com/testing"
KEYS = "https://docs.stripe.com/api/idempotent_requests"
RETRIES = "https://docs.stripe.com/error-low-level"
PAGES = "https://docs.stripe.com/api/pagination"
INTENTS = "https://docs.stripe.com/api/payment_intents"
LIFECYCLE = "https://docs.stripe.com/payments/paymentintents/lifecycle"
TRANSFERS = "https://docs.stripe.com/api/transfers"
CURRENCIES = "https://docs.stripe.com/currencies"
CUSTOMERS = "https://docs.stripe.com/api/customers"
ACCOUNTS = "https://docs.stripe.com/api/accounts"
PAYOUTS = "https://docs.stripe.com/api/payouts"
ON_BEHALF = "https://docs.stripe.com/connect/authentication"

# Stripe's own answers in test mode, as recorded by others. They say what no page of the documentation does: which
# headers come with which answer, and the exact fields of an error.
RECORDED_2026_08 = "https://github.com/openfoodfoundation/openfoodnetwork, spec/fixtures/vcr_cassettes/Stripe-v19.3.1"
RECORDED_2026_09 = "https://github.com/Kiln-AI/stripe_world, tests/conformance/cassettes"
RECORDED_2025_10 = "https://github.com/pay-rails/pay, test/vcr_cassettes"


@dataclass(frozen=True)
class Expected:
    """The fields that are known of an answer, by their names in `observations`, and from where."""

    source: str
    fields: Mapping[str, Any]


_COMMON: dict[str, Any] = {"request id": True, "replayed": None, "speaks our version": True}
# What was executed under a key: Stripe wants no retry, and names the request that was the first under the key.
EXECUTED = {"original request": "own", "should retry": "false"}
LOOKED_UP = {"original request": None, "should retry": None}
REPLAYED = {"replayed": "true", "original request": "an earlier one", "should retry": "false"}
# At Stripe's door there is no request yet to give an id to, and no version to speak.
AT_THE_DOOR = {"request id": False, "speaks our version": False, **LOOKED_UP}

# What Stripe and the card's network advise, and the part of the card that is wrong. A card that wants its owner may
# have a charge and advice or not.
_ADVICE = {"advice_code", "network_decline_code"}
_WITHOUT_NETWORKS_ADVICE = {"generic_decline", "processing_error"}
_PARAMS = {"expired_card": "exp_month", "incorrect_cvc": "cvc"}
_OWN_CODES = {"expired_card", "incorrect_cvc", "processing_error", "authentication_required"}


def said(source: str, *parts: Mapping[str, Any], **fields: Any) -> Expected:
    """An answer put together of parts; a name may have an underscore for its space."""
    known: dict[str, Any] = {**_COMMON}
    for part in (*parts, fields):
        known |= {name.replace("_", " "): value for name, value in part.items()}
    return Expected(source, known)


def thing(kind: str, name: str = "new", /, **fields: Any) -> dict[str, Any]:
    """An object by the name of the step that made it."""
    return {"http status": 200, "object": kind, "thing": name, "missing fields": [], **fields}


def intent(name: str = "new", status: str = "succeeded", /, **fields: Any) -> dict[str, Any]:
    """A payment intent of the flow's usual amount and customer."""
    usual = {"status": status, "amount": 1_000, "currency": "as asked", "livemode": False}
    return thing("payment_intent", name, **{**usual, "customer": "create a customer", **fields})


def page(listed: list[str], statuses: list[str | None], *, more: bool = False, **fields: Any) -> dict[str, Any]:
    """A page of a list, newest first."""
    known = {"object": "list", "missing fields": [], "has more": more, "listed": listed, "statuses": statuses}
    return {"http status": 200, **known, "is newest first": True, **fields}


def error(status: int, code: str | None, param: str | None = None, **fields: Any) -> dict[str, Any]:
    """An error of a request that says no more than what is wrong with it."""
    present = sorted(["type", *(name for name, value in (("code", code), ("param", param)) if value is not None)])
    known = {"error type": "invalid_request_error", "error code": code, "decline code": None, "param": param}
    return {"http status": status, **known, "error fields": present, **fields}


def unexpected_state(name: str, status: str) -> dict[str, Any]:
    """The error of a payment intent that stands where the call can't be made; it is in the error."""
    fields = {"error fields": ["code", "payment_intent", "type"], "intent's thing": name, "intent's status": status}
    return error(400, "payment_intent_unexpected_state") | fields


def decline(decline_code: str) -> dict[str, Any]:
    """A declined charge; its intent stays, without the card, and can be paid with another one."""
    code = decline_code if decline_code in _OWN_CODES else "card_declined"
    known = {
        "http status": 402,
        "error type": "card_error",
        "error code": code,
        "decline code": decline_code,
        "param": _PARAMS.get(decline_code),
        "intent's object": "payment_intent",
        "intent's thing": "new",
        "intent's status": "requires_payment_method",
        "intent's payment method": None,
        "intent's last payment error": f"{code}/{decline_code}",
        "verdict": f"refused: {decline_code}",
    }
    if decline_code == "authentication_required":
        return known
    return known | {"error fields": _fields_of_decline(decline_code)}


def _fields_of_decline(decline_code: str) -> list[str]:
    fields = {"charge", "code", "decline_code", "payment_intent", "payment_method", "type"} | _ADVICE
    if decline_code not in _WITHOUT_NETWORKS_ADVICE:
        fields.add("network_advice_code")
    if decline_code in _PARAMS:
        fields.add("param")
    return sorted(fields)
