"""Payment intents: created, confirmed, cancelled, as Stripe does it with automatic capture.

What may be done with an intent depends on its status (https://docs.stripe.com/payments/paymentintents/lifecycle):
a declined one stands at `requires_payment_method` and can be confirmed again by anyone, until it is cancelled.
"""

from payouts_pipeline.local.stripe_emulator import attempts, events, objects, processing
from payouts_pipeline.local.stripe_emulator.answers import InvalidRequestError, StripeRefusalError
from payouts_pipeline.local.stripe_emulator.call import Call
from payouts_pipeline.local.stripe_emulator.currencies import check_charge, known_currency
from payouts_pipeline.local.stripe_emulator.customers import known_payment_method
from payouts_pipeline.local.stripe_emulator.forms import (
    Param,
    Spec,
    boolean,
    hash_of,
    metadata,
    one_of,
    optional_text,
    positive_integer,
    text,
    texts,
)
from payouts_pipeline.local.stripe_emulator.platform_account import check_can_charge
from payouts_pipeline.local.stripe_emulator.redirects import AUTOMATIC, check_return_url
from payouts_pipeline.local.stripe_emulator.store import JsonObject

# Known is only what is implemented or has no effect on money; the rest is refused rather than ignored.
CONFIRM: Spec = {
    "payment_method": Param(text),
    "off_session": Param(boolean),
    "error_on_requires_action": Param(boolean),
    "return_url": Param(text),
    "receipt_email": Param(optional_text),
    "setup_future_usage": Param(one_of("off_session", "on_session")),
    "use_stripe_sdk": Param(boolean),
    "expand": Param(texts),
}
CREATE: Spec = {
    **CONFIRM,
    "amount": Param(positive_integer, required=True),
    "currency": Param(text, required=True),
    "customer": Param(text),
    "confirm": Param(boolean),
    "description": Param(text),
    "metadata": Param(metadata),
    "transfer_group": Param(text),
    "automatic_payment_methods": Param(hash_of(AUTOMATIC)),
    "payment_method_types": Param(texts),
    "capture_method": Param(one_of("automatic", "automatic_async")),
    "confirmation_method": Param(one_of("automatic")),
    "statement_descriptor": Param(text),
    "statement_descriptor_suffix": Param(text),
}
CANCEL: Spec = {
    "cancellation_reason": Param(one_of("duplicate", "fraudulent", "requested_by_customer", "abandoned")),
    "expand": Param(texts),
}
RETRIEVE: Spec = {"expand": Param(texts), "client_secret": Param(text)}


CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = (*CONFIRMABLE, "requires_capture")


def create(call: Call) -> JsonObject:
    """`POST /v1/payment_intents`. With `confirm=true` it moves the money, or is declined (402) and kept."""
    params = call.params
    if "off_session" in params and not params.get("confirm"):
        message = "The parameter `off_session` can only be set when `confirm` is true."
        raise InvalidRequestError(message, param="off_session")
    check_can_charge(call)
    currency = known_currency(params["currency"])
    check_charge(params["amount"], currency)
    if "customer" in params:
        call.require("customer", params["customer"], "customer")
    intent = objects.payment_intent(call, currency)
    name_method(call, intent)
    events.tell(call, "payment_intent.created", intent)
    refusal = _confirmed(call, intent) if params.get("confirm") else None
    call.store.insert(intent)
    if refusal:
        raise refusal
    return intent


def confirm(call: Call) -> JsonObject:
    """`POST /v1/payment_intents/{id}/confirm`, for one that was created before or declined."""
    intent = call.require_path_object("payment_intent")
    check_can_charge(call)
    _refuse_unconfirmable(call, intent)
    name_method(call, intent)
    refusal = _confirmed(call, intent)
    call.store.replace(intent)
    if refusal:
        raise refusal
    return intent


def name_method(call: Call, intent: JsonObject) -> None:
    """Have the intent name the payment method that the caller wants, if it does want one."""
    if "payment_method" in call.params:
        method = known_payment_method(call, call.params["payment_method"], "payment_method")
        intent["payment_method"] = method["id"]


def _confirmed(call: Call, intent: JsonObject) -> StripeRefusalError | None:
    check_return_url(call, intent)
    return attempts.attempted(call, intent)


def cancel(call: Call) -> JsonObject:
    """`POST /v1/payment_intents/{id}/cancel`: after it nobody can pay the intent any more.

    Source: https://docs.stripe.com/api/payment_intents/cancel. One that is `processing` can be cancelled "in rare
    cases" only, here by the test bank account that Stripe has for it.
    """
    intent = call.require_path_object("payment_intent")
    if intent["status"] not in CANCELABLE and not processing.can_be_cancelled(call, intent):
        raise _unexpected_state(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent "
            "with one of the following statuses may be canceled: requires_payment_method, requires_capture, "
            "requires_reauthorization, requires_confirmation, requires_action, expired, processing.",
            intent,
        )
    processing.withdraw(call, intent)
    intent.update(
        status="canceled",
        canceled_at=call.now,
        cancellation_reason=call.params.get("cancellation_reason"),
        next_action=None,
    )
    call.store.replace(intent)
    events.tell(call, "payment_intent.canceled", intent)
    return intent


def _refuse_unconfirmable(call: Call, intent: JsonObject) -> None:
    status = intent["status"]
    if status in CONFIRMABLE:
        return
    if status == "succeeded":
        raise _unexpected_state(
            "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.",
            intent,
        )
    if "payment_method" in call.params:
        raise _unexpected_state(
            f"This PaymentIntent's payment_method could not be updated because it has a status of {status}. You may "
            "only update the payment_method of a PaymentIntent with one of the following statuses: "
            f"{', '.join(CONFIRMABLE)}.",
            intent,
        )
    raise _unexpected_state(
        f"You cannot confirm this PaymentIntent because it has a status of {status}. Only a PaymentIntent with one "
        "of the following statuses may be confirmed: requires_confirmation, requires_action.",
        intent,
    )


def _unexpected_state(message: str, intent: JsonObject) -> StripeRefusalError:
    return StripeRefusalError(message, code="payment_intent_unexpected_state", payment_intent=intent)
