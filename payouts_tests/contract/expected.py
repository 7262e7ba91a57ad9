"""What Stripe answers to each step of the flow: its documentation, or its own answers where others have recorded them.

One table for both providers. What it does not name is compared between the providers only. Our emulator is no source.
"""

from payouts_tests.contract.expectations import (
    ACCOUNTS,
    AT_THE_DOOR,
    CODES,
    CUSTOMERS,
    ERRORS,
    EXECUTED,
    INTENTS,
    KEYS,
    LOOKED_UP,
    ON_BEHALF,
    PAGES,
    PAYOUTS,
    RECORDED_2025_10,
    RECORDED_2026_08,
    RECORDED_2026_09,
    REPLAYED,
    RETRIES,
    TESTING,
    TRANSFERS,
    Expected,
    error,
    intent,
    page,
    said,
    thing,
)
from payouts_tests.contract.expected_charges import CANCELLED, CHARGES, INVALID_AMOUNT, LATE, OF_ANOTHER

PEOPLE = {
    "create a customer": said(CUSTOMERS, thing("customer"), EXECUTED, livemode=False),
    "attach a test card": said(RECORDED_2026_08, thing("payment_method"), EXECUTED, customer="create a customer"),
    "attach a card that declines later": said(TESTING, thing("payment_method"), EXECUTED),
    "attach a card that is declined": said(
        f"{TESTING}; {RECORDED_2025_10}",
        {"http status": 402, "error type": "card_error", "error code": "card_declined", "param": ""},
        EXECUTED,
        decline_code="insufficient_funds",
        verdict="refused: insufficient_funds",
    ),
    "attach a payment method that is unknown": said(
        RECORDED_2025_10, error(404, "resource_missing", "payment_method"), original_request="own", should_retry=None
    ),
    "ask for a default card where there is none": said(
        CUSTOMERS, thing("customer", "create a customer"), LOOKED_UP, verdict="refused: missing_payment_method"
    ),
    "make a card the default": said(CUSTOMERS, thing("customer", "create a customer"), EXECUTED),
    "ask for the default card": said(
        CUSTOMERS, thing("customer", "create a customer"), LOOKED_UP, verdict="attach a test card"
    ),
    "create another customer": said(CUSTOMERS, thing("customer"), EXECUTED),
    "attach a card to another customer": said(RECORDED_2026_08, thing("payment_method"), EXECUTED, OF_ANOTHER),
    "create a customer to delete": said(CUSTOMERS, thing("customer"), EXECUTED),
    "delete a customer": said(
        RECORDED_2026_08, thing("customer", "create a customer to delete", deleted=True), LOOKED_UP
    ),
    "ask a deleted customer for a default card": said(
        f"{CUSTOMERS}/delete; {RECORDED_2026_09}/02",
        thing("customer", "create a customer to delete", deleted=True),
        LOOKED_UP,
        verdict="refused: customer_deleted",
    ),
    "ask an unknown customer for a default card": said(
        RECORDED_2026_08, error(404, "resource_missing", "id"), LOOKED_UP, verdict="refused: resource_missing"
    ),
}

_TRANSFER = {"amount": 1_000, "currency": "as asked", "livemode": False}
_SHORT = error(400, "balance_insufficient", verdict="refused: balance_insufficient")

TRANSFERRED = {
    "transfer to an unknown account": said(
        CODES, error(400, "resource_missing", "destination"), verdict="refused: resource_missing"
    ),
    "transfer more than there is": said(f"{CODES} (balance_insufficient)", _SHORT, EXECUTED),
    "transfer more than there is, again under the same key": said(f"{KEYS}; {RETRIES}", _SHORT, REPLAYED),
    "charge for the balance": said(
        f"{TESTING} (available balance)", intent(amount=10_000), EXECUTED, verdict="succeeded: new"
    ),
    "transfer": said(f"{TRANSFERS}/create", thing("transfer", **_TRANSFER), EXECUTED, verdict="succeeded: new"),
    "transfer again under the same key": said(
        f"{KEYS}; {RETRIES}", thing("transfer", "transfer", **_TRANSFER), REPLAYED, verdict="succeeded: transfer"
    ),
    "transfer another amount under the same key": said(
        f"{KEYS}; {ERRORS}",
        {"http status": 400, "error type": "idempotency_error", "error code": None},
        verdict="not known: key_in_use",
    ),
    "transfer nothing": said(CODES, INVALID_AMOUNT, should_retry=None),
    "find the transfer": said(
        f"{TRANSFERS}/list (transfer_group)",
        page(["transfer"], [None], url="/v1/transfers"),
        LOOKED_UP,
        verdict="found succeeded: transfer",
    ),
    "find no transfer": said(f"{TRANSFERS}/list", page([], []), LOOKED_UP, verdict="found nothing"),
    "look at the transfer": said(
        f"{TRANSFERS}/retrieve",
        thing("transfer", "transfer", **_TRANSFER),
        LOOKED_UP,
        verdict="succeeded: transfer",
    ),
}

LOOK_UPS = {
    "list a customer's intents": said(
        f"{INTENTS}/list",
        page([CANCELLED, LATE], ["canceled", "succeeded"], url="/v1/payment_intents"),
        LOOKED_UP,
    ),
    "list the first page of one": said(PAGES, page([CANCELLED], ["canceled"], more=True), LOOKED_UP),
    "list the second page of one": said(PAGES, page([LATE], ["succeeded"]), LOOKED_UP),
    "list what is newer than tomorrow": said(f"{INTENTS}/list (created)", page([], []), LOOKED_UP),
    "list after an unknown id": said(
        f"{RECORDED_2026_09}/09", error(400, "resource_missing", "starting_after"), LOOKED_UP
    ),
    "list more than a hundred": said(PAGES, {"http status": 400, "error type": "invalid_request_error"}, LOOKED_UP),
    "list by a parameter that is unknown": said(
        f"{RECORDED_2026_09}/09", error(400, "parameter_unknown", "colour"), LOOKED_UP
    ),
    "look at an unknown intent": said(f"{RECORDED_2026_09}/04", error(404, "resource_missing", "intent"), LOOKED_UP),
    "look at an unknown transfer": said(
        CODES,
        {"http status": 404, "error type": "invalid_request_error", "error code": "resource_missing"},
        LOOKED_UP,
    ),
    "look at an unknown account": said(RECORDED_2026_08, error(403, "account_invalid"), AT_THE_DOOR),
    "look at the account that can receive": said(
        f"{ACCOUNTS}/retrieve", {"http status": 200, "object": "account", "missing fields": []}, LOOKED_UP
    ),
    "list the payouts of the account that can receive": said(
        f"{PAYOUTS}/list; {ON_BEHALF}",
        {"http status": 200, "object": "list", "missing fields": [], "url": "/v1/payouts"},
        LOOKED_UP,
    ),
    "list the payouts of an unknown account": said(ON_BEHALF, error(403, "account_invalid"), AT_THE_DOOR),
    "ask whose the key is": said(
        f"{ACCOUNTS}/retrieve",
        {"http status": 200, "object": "account", "missing fields": []},
        LOOKED_UP,
        verdict="acct",
    ),
    "ask for the balance": said(
        "https://docs.stripe.com/api/balance",
        {"http status": 200, "object": "balance", "missing fields": [], "livemode": False},
        LOOKED_UP,
    ),
    "ask with a wrong key": said(
        f"{ERRORS}; {RECORDED_2025_10}", error(401, None), AT_THE_DOOR, verdict="PayoutsError"
    ),
    "charge with a wrong key": said(
        f"{ERRORS}; {RECORDED_2025_10}", error(401, None), AT_THE_DOOR, verdict="refused: invalid_api_key"
    ),
}

EXPECTED: dict[str, Expected] = {**PEOPLE, **CHARGES, **TRANSFERRED, **LOOK_UPS}
