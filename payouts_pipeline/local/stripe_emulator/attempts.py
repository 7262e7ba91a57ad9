"""One attempt to take the money of a payment intent: paid, declined, on its way, or waiting for the owner."""

from payouts_pipeline.local.stripe_emulator import balance, events, objects, processing
from payouts_pipeline.local.stripe_emulator.answers import StripeRefusalError
from payouts_pipeline.local.stripe_emulator.call import Call
from payouts_pipeline.local.stripe_emulator.cards import Decline, decline_of
from payouts_pipeline.local.stripe_emulator.customers import known_payment_method
from payouts_pipeline.local.stripe_emulator.debits import Debit
from payouts_pipeline.local.stripe_emulator.methods import behaviour_of
from payouts_pipeline.local.stripe_emulator.store import JsonObject


def attempted(call: Call, intent: JsonObject) -> StripeRefusalError | None:
    """Try to take the money and change the intent accordingly; the refusal is for the caller to raise.

    Off session nobody can authenticate, so a card that wants it is declined
    (https://docs.stripe.com/payments/save-and-reuse, `authentication_required`); so it is where the caller says
    `error_on_requires_action`.
    """
    method = _method_for(call, intent)
    behaviour = behaviour_of(method)
    if call.forced_decline:
        return _declined(call, intent, method, call.forced_decline)
    if isinstance(behaviour, Debit):
        _sent_to_bank(call, intent, method, behaviour)
        return None
    owner_is_there = not (call.params.get("off_session") or call.params.get("error_on_requires_action"))
    decline = decline_of(behaviour, owner_is_there=owner_is_there)
    if decline:
        return _declined(call, intent, method, decline)
    if behaviour.needs_authentication and not call.owner_authenticates:
        _left_to_owner(call, intent, method)
        return None
    _paid(call, intent, method)
    return None


def _method_for(call: Call, intent: JsonObject) -> JsonObject:
    given = intent["payment_method"]
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
            f"The PaymentMethod {given} does not belong to the Customer you supplied {intent['customer']}. Please use "
            "this PaymentMethod with the Customer that it belongs to instead.",
            param="payment_method",
        )
    _check_type(intent, method)
    return method


def _check_type(intent: JsonObject, method: JsonObject) -> None:
    """Refuse a type that the intent does not take; one that chooses automatically takes all of the dashboard."""
    automatic = intent["automatic_payment_methods"]
    if automatic and automatic["enabled"]:
        intent["payment_method_types"] = sorted({*intent["payment_method_types"], method["type"]})
    elif method["type"] not in intent["payment_method_types"]:
        raise StripeRefusalError(
            f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent. Please attach a "
            f"PaymentMethod of one of the following types: {', '.join(intent['payment_method_types'])}.",
            code="payment_intent_incompatible_payment_method",
            param="payment_method",
        )


def _sent_to_bank(call: Call, intent: JsonObject, method: JsonObject, debit: Debit) -> None:
    if debit.currency != intent["currency"]:
        raise StripeRefusalError(
            f"The currency provided ({intent['currency']}) is invalid for the payment method type {debit.type}, "
            f"which takes {debit.currency} only.",
            code="payment_intent_incompatible_payment_method",
            param="currency",
        )
    charge = objects.charge(call, intent, method, "pending", None)
    call.store.insert(charge)
    intent.update(
        status="processing",
        latest_charge=charge["id"],
        payment_method=method["id"],
        last_payment_error=None,
        next_action=None,
    )
    processing.begin(call, intent, debit)
    events.tell(call, "charge.pending", charge)
    events.tell(call, "payment_intent.processing", intent)


def _left_to_owner(call: Call, intent: JsonObject, method: JsonObject) -> None:
    action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    intent.update(status="requires_action", payment_method=method["id"], next_action=action)
    events.tell(call, "payment_intent.requires_action", intent)


def _paid(call: Call, intent: JsonObject, method: JsonObject) -> None:
    charge = objects.charge(call, intent, method, "succeeded", None)
    balance.book_charge(call, charge)
    call.store.insert(charge)
    intent.update(
        status="succeeded",
        amount_received=charge["amount"],
        latest_charge=charge["id"],
        payment_method=method["id"],
        last_payment_error=None,
        next_action=None,
    )
    events.tell(call, "charge.succeeded", charge)
    events.tell(call, "payment_intent.succeeded", intent)


def _declined(call: Call, intent: JsonObject, method: JsonObject, decline: Decline) -> StripeRefusalError:
    charge = objects.charge(call, intent, method, "failed", decline)
    call.store.insert(charge)
    refusal = StripeRefusalError(
        decline.message,
        status=402,
        error_type="card_error",
        charge=charge["id"],
        payment_method=method,
        **decline.fields,
    )
    intent.update(
        status="requires_payment_method",
        latest_charge=charge["id"],
        payment_method=None,
        last_payment_error=refusal.error,
        next_action=None,
    )
    events.tell(call, "charge.failed", charge)
    events.tell(call, "payment_intent.payment_failed", intent)
    return refusal.about(payment_intent=intent)
