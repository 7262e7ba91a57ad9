"""Payment intents: created, confirmed, paid or declined, as Stripe does it with automatic capture."""

from payouts_pipeline.local.stripe_emulator import balance, objects
from payouts_pipeline.local.stripe_emulator.answers import InvalidRequestError, StripeRefusalError
from payouts_pipeline.local.stripe_emulator.call import Call
from payouts_pipeline.local.stripe_emulator.cards import Decline, decline_of, waits_for_owner
from payouts_pipeline.local.stripe_emulator.currencies import check_charge, known_currency
from payouts_pipeline.local.stripe_emulator.customers import known_payment_method
from payouts_pipeline.local.stripe_emulator.forms import (
    Param,
    Spec,
    boolean,
    free_hash,
    metadata,
    one_of,
    optional_text,
    positive_integer,
    text,
    texts,
)
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
    "automatic_payment_methods": Param(free_hash),
    "payment_method_types": Param(texts),
    "capture_method": Param(one_of("automatic", "automatic_async")),
    "confirmation_method": Param(one_of("automatic")),
    "statement_descriptor": Param(text),
    "statement_descriptor_suffix": Param(text),
}
RETRIEVE: Spec = {"expand": Param(texts), "client_secret": Param(text)}


def create(call: Call) -> JsonObject:
    """`POST /v1/payment_intents`. With `confirm=true` it moves the money, or is declined (402) and kept."""
    params = call.params
    if "off_session" in params and not params.get("confirm"):
        message = "The parameter `off_session` can only be set when `confirm` is true."
        raise InvalidRequestError(message, param="off_session")
    currency = known_currency(params["currency"])
    check_charge(params["amount"], currency)
    if "customer" in params:
        call.require("customer", params["customer"], "customer")
    intent = objects.payment_intent(call, currency)
    refusal = _confirmed(call, intent) if params.get("confirm") else None
    call.store.insert(intent)
    if refusal:
        raise refusal
    return intent


def confirm(call: Call) -> JsonObject:
    """`POST /v1/payment_intents/{id}/confirm`, for one that was created before or declined."""
    intent = call.require_path_object("payment_intent")
    _refuse_unconfirmable(intent)
    refusal = _confirmed(call, intent)
    call.store.replace(intent)
    if refusal:
        raise refusal
    return intent


def _refuse_unconfirmable(intent: JsonObject) -> None:
    if intent["status"] == "succeeded":
        raise StripeRefusalError(
            "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.",
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        )


def _confirmed(call: Call, intent: JsonObject) -> StripeRefusalError | None:
    """Try to take the money and change the intent accordingly; the refusal is for the caller to raise."""
    method = _method_for(call, intent)
    last4, off_session = objects.last4_of(method), call.params.get("off_session", False)
    decline = call.forced_decline or decline_of(last4, off_session=off_session)
    if decline:
        return _declined(call, intent, method, decline)
    if waits_for_owner(last4, off_session=off_session):
        action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
        intent.update(status="requires_action", payment_method=method["id"], next_action=action)
        return None
    _paid(call, intent, method)
    return None


def _method_for(call: Call, intent: JsonObject) -> JsonObject:
    given = call.params.get("payment_method") or intent["payment_method"]
    if given is None:
        raise StripeRefusalError(
            "You cannot confirm this PaymentIntent because it's missing a payment method. To confirm the "
            f"PaymentIntent with {intent['customer']}, specify a payment method attached to this customer "
            "along with the customer ID.",
            code="payment_intent_unexpected_state",
        )
    method = known_payment_method(call, given, "payment_method")
    if method["customer"] not in (None, intent["customer"]):
        raise StripeRefusalError(
            f"The payment method supplied ({given}) belongs to a different Customer; please use a different "
            "payment method or supply the Customer that the payment method belongs to.",
            param="payment_method",
        )
    return method


def _paid(call: Call, intent: JsonObject, method: JsonObject) -> None:
    charge = objects.charge(call, intent, method, None)
    fee = balance.stripe_fee(charge["amount"], charge["currency"])
    available_on = call.now + call.store.setting(balance.AVAILABILITY_DELAY)
    charge["balance_transaction"] = balance.book(
        call, charge, amount=charge["amount"], fee=fee, available_on=available_on
    )
    call.store.insert(charge)
    call.journal("charge", charge)
    intent.update(
        status="succeeded",
        amount_received=charge["amount"],
        latest_charge=charge["id"],
        payment_method=method["id"],
        last_payment_error=None,
        next_action=None,
    )


def _declined(call: Call, intent: JsonObject, method: JsonObject, decline: Decline) -> StripeRefusalError:
    charge = objects.charge(call, intent, method, decline)
    call.store.insert(charge)
    refusal = StripeRefusalError(
        decline.message,
        status=402,
        error_type="card_error",
        charge=charge["id"],
        code=decline.code,
        decline_code=decline.decline_code,
        payment_method=method,
    )
    intent.update(
        status="requires_payment_method",
        latest_charge=charge["id"],
        payment_method=None,
        last_payment_error=refusal.error,
    )
    return refusal.about(payment_intent=intent)
