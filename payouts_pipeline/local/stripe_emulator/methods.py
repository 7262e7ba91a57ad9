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
    return {
        "id": method_id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
        "created": now,
        "customer": owner,
        "livemode": livemode,
        "metadata": metadata or {},
        **TEST_METHODS[test_method].details,
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
