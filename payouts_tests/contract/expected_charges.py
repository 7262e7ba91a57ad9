"""What Stripe answers to the charges of the flow, and to what is done about declined ones."""

from payouts_tests.contract.charge_steps import DECLINES
from payouts_tests.contract.expectations import (
    CODES,
    CURRENCIES,
    CUSTOMERS,
    DECLINE_CODES,
    ERRORS,
    EXECUTED,
    INTENTS,
    KEYS,
    LIFECYCLE,
    LOOKED_UP,
    RECORDED_2025_10,
    RECORDED_2026_08,
    RECORDED_2026_09,
    REPLAYED,
    RETRIES,
    TESTING,
    Expected,
    decline,
    error,
    intent,
    page,
    said,
    unexpected_state,
)

LATE, CANCELLED = "decline that is paid late", "decline that is cancelled"
OF_ANOTHER = {"customer": "create another customer"}

PAID = {
    "charge": said(
        f"{INTENTS}/create; {RECORDED_2026_08}",
        intent(payment_method="attach a test card", last_payment_error=None),
        EXECUTED,
        verdict="succeeded: new",
    ),
    "charge again under the same key": said(
        f"{KEYS}; {RETRIES}", intent("charge"), REPLAYED, verdict="succeeded: charge"
    ),
    "charge another amount under the same key": said(
        f"{KEYS}; {ERRORS}",
        {"http status": 400, "error type": "idempotency_error", "error code": None},
        verdict="not known: key_in_use",
    ),
    # The id of a test card only stands for it in a request.
    "charge a test card that is not attached": said(
        f"{TESTING}; {RECORDED_2026_08}", intent(payment_method="new"), EXECUTED, verdict="succeeded: new"
    ),
}

DECLINED = {
    **{
        f"decline: {code}": said(f"{TESTING}; {DECLINE_CODES}; {RECORDED_2026_08}", decline(code), EXECUTED)
        for code in DECLINES
    },
    "decline of an attached card": said(TESTING, decline("generic_decline"), EXECUTED),
    "decline again under the same key": said(
        f"{KEYS}; {RETRIES}",
        decline("insufficient_funds") | {"intent's thing": "decline: insufficient_funds"},
        REPLAYED,
    ),
}

PAID_LATE = {
    LATE: said(LIFECYCLE, decline("insufficient_funds"), EXECUTED),
    "find the decline": said(
        f"{INTENTS}/list; {LIFECYCLE}",
        page([LATE], ["requires_payment_method"]),
        LOOKED_UP,
        verdict="found refused: insufficient_funds",
    ),
    "find an earlier attempt that can still be paid": said(
        f"{INTENTS}/list",
        page([LATE], ["requires_payment_method"]),
        LOOKED_UP,
        verdict=f"found nothing, payable: {LATE}",
    ),
    "pay a declined intent with another card": said(
        f"{INTENTS}/confirm; {LIFECYCLE}",
        intent(LATE, payment_method="attach a card to another customer", **OF_ANOTHER),
        EXECUTED,
        last_payment_error=None,
    ),
    "find the late payment": said(
        f"{INTENTS}/list", page([LATE], ["succeeded"]), LOOKED_UP, verdict=f"found succeeded: {LATE}"
    ),
    "confirm a paid intent again": said(
        f"{CODES} (payment_intent_unexpected_state)",
        unexpected_state(LATE, "succeeded"),
        EXECUTED,
    ),
    "cancel a paid intent": said(
        f"{INTENTS}/cancel; {RECORDED_2026_09}/04",
        unexpected_state(LATE, "succeeded"),
        EXECUTED,
        verdict="not known: earlier_may_be_paid",
    ),
    CANCELLED: said(LIFECYCLE, decline("insufficient_funds"), EXECUTED),
    "cancel a declined intent": said(
        f"{INTENTS}/cancel; {RECORDED_2026_08}", intent(CANCELLED, "canceled", **OF_ANOTHER), EXECUTED, verdict="done"
    ),
    "cancel it a second time": said(
        f"{INTENTS}/cancel; {RECORDED_2026_09}/04",
        unexpected_state(CANCELLED, "canceled"),
        EXECUTED,
    ),
    "cancel an unknown intent": said(RECORDED_2026_09, error(404, "resource_missing", "intent"), should_retry=None),
}

INVALID_AMOUNT = error(400, "parameter_invalid_integer", "amount")

REFUSED = {
    # The documentation has the rule; that the answer has no code is as users report it.
    "charge that takes redirects": said(
        f"{INTENTS}/create (automatic_payment_methods.allow_redirects)",
        {"http status": 400, "error type": "invalid_request_error", "error code": None},
        verdict="refused: invalid_request",
    ),
    "charge an unknown customer": said(
        CODES, error(400, "resource_missing", "customer"), verdict="refused: resource_missing"
    ),
    "charge an unknown payment method": said(
        CODES, error(400, "resource_missing", "payment_method"), verdict="refused: resource_missing"
    ),
    # Whether the answer has the intent with it depends on whether it is being created or confirmed.
    "charge the card of another customer": said(
        RECORDED_2026_09,
        {"http status": 400, "error type": "invalid_request_error", "error code": None, "param": "payment_method"},
        verdict="refused: invalid_request",
    ),
    "charge a deleted customer": said(
        f"{CUSTOMERS}/delete", error(400, "resource_missing", "customer"), verdict="refused: resource_missing"
    ),
    "charge nothing": said(RECORDED_2025_10, INVALID_AMOUNT, original_request="own", should_retry=None),
    "charge too little": said(
        f"{CURRENCIES} (minimum and maximum charge amounts); {CODES}",
        error(400, "amount_too_small", "amount"),
        verdict="refused: amount_too_small",
    ),
    "charge too much": said(
        f"{CURRENCIES} (minimum and maximum charge amounts); {CODES}",
        error(400, "amount_too_large", "amount"),
        verdict="refused: amount_too_large",
    ),
    "charge an amount that is no integer": said(f"{CODES}; {RECORDED_2026_09}/09", INVALID_AMOUNT, should_retry=None),
    "charge in a currency that is none": said(
        f"{CURRENCIES}; {INTENTS}/create",
        {"http status": 400, "error type": "invalid_request_error", "param": "currency"},
    ),
}

CHARGES: dict[str, Expected] = {**PAID, **DECLINED, **PAID_LATE, **REFUSED}
