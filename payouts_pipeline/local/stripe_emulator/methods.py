"""Payment methods: the test ones there are, what each looks like, and what it does."""

from payouts_pipeline.local.stripe_emulator.cards import CARDS_BY_LAST4, TEST_CARDS, Card
from payouts_pipeline.local.stripe_emulator.debits import TEST_DEBITS, Debit
from payouts_pipeline.local.stripe_emulator.store import JsonObject

TEST_METHODS: dict[str, Card | Debit] = {**TEST_CARDS, **TEST_DEBITS}
_DEBITS_BY_ACCOUNT = {(debit.type, debit.last4): debit for debit in TEST_DEBITS.values()}


def payment_method(
    method_id: str,
    test_method: str,
    now: int,
    owner: str | None,
    metadata: dict[str, str] | None = None,
    *,
    livemode: bool = False,
) -> JsonObject:
    """Return a payment method that behaves as one of the test ones, attached to `owner` if there is one."""
    details = _details(TEST_METHODS[test_method])
    return {
        "id": method_id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
        "created": now,
        "customer": owner,
        "livemode": livemode,
        "metadata": metadata or {},
        **details,
    }


def _details(method: Card | Debit) -> JsonObject:
    if isinstance(method, Debit):
        account = {"bank_name": "STRIPE TEST BANK", "fingerprint": f"emulated{method.last4}", "last4": method.last4}
        return {"type": method.type, method.type: account}
    return {
        "type": "card",
        "card": {
            "brand": method.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "exp_month": 12,
            "exp_year": 2040,
            "fingerprint": f"emulated{method.last4}",
            "funding": "credit",
            "last4": method.last4,
        },
    }


def details_of(method: JsonObject) -> JsonObject:
    """Return what a charge tells of its payment method."""
    return {"type": method["type"], method["type"]: method[method["type"]]}


def behaviour_of(method: JsonObject) -> Card | Debit:
    """Return what the payment method does: its last digits say which test one it is made from."""
    last4 = str(method[method["type"]]["last4"])
    if method["type"] == "card":
        return CARDS_BY_LAST4[last4]
    return _DEBITS_BY_ACCOUNT[method["type"], last4]
