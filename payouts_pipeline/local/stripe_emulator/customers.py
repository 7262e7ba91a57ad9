"""Customers and their payment methods: who pays, with which card."""

from payouts_pipeline.local.stripe_emulator import objects
from payouts_pipeline.local.stripe_emulator.answers import StripeRefusalError, not_found, path_not_found
from payouts_pipeline.local.stripe_emulator.call import Call, new_id
from payouts_pipeline.local.stripe_emulator.cards import Card
from payouts_pipeline.local.stripe_emulator.debits import Debit
from payouts_pipeline.local.stripe_emulator.forms import (
    Param,
    Spec,
    hash_of,
    metadata,
    one_of,
    optional_text,
    text,
    texts,
)
from payouts_pipeline.local.stripe_emulator.methods import TEST_METHODS, behaviour_of, payment_method
from payouts_pipeline.local.stripe_emulator.store import JsonObject

INVOICE_SETTINGS: Spec = {"default_payment_method": Param(optional_text)}
UPDATE: Spec = {
    "name": Param(optional_text),
    "email": Param(optional_text),
    "phone": Param(optional_text),
    "description": Param(optional_text),
    "metadata": Param(metadata),
    "invoice_settings": Param(hash_of(INVOICE_SETTINGS)),
    "default_source": Param(text),
    "expand": Param(texts),
}
CREATE: Spec = {**UPDATE, "payment_method": Param(text)}
RETRIEVE: Spec = {"expand": Param(texts)}
METHOD_CREATE: Spec = {
    "type": Param(one_of("card"), required=True),
    "card": Param(hash_of({"token": Param(text, required=True)}), required=True),
    "metadata": Param(metadata),
    "expand": Param(texts),
}
METHOD_ATTACH: Spec = {"customer": Param(text, required=True), "expand": Param(texts)}

DEFAULT_METHOD_PARAM = "invoice_settings[default_payment_method]"


def create(call: Call) -> JsonObject:
    """`POST /v1/customers`."""
    customer = objects.customer(new_id("cus"), call.now, call.params, livemode=call.livemode)
    if "payment_method" in call.params:
        _attached(call, call.params["payment_method"], customer["id"])
    _set_default_method(call, customer)
    call.store.insert(customer)
    return customer


def update(call: Call) -> JsonObject:
    """`POST /v1/customers/{id}`; metadata is merged, and an empty value removes its key."""
    customer = _living(call)
    given = dict(call.params)
    merged = {**customer["metadata"], **given.pop("metadata", {})}
    customer["metadata"] = {key: value for key, value in merged.items() if value}
    _set_default_method(call, customer)
    customer.update({name: given[name] for name in ("name", "email", "phone", "description") if name in given})
    call.store.replace(customer)
    return customer


def delete(call: Call) -> JsonObject:
    """`DELETE /v1/customers/{id}`: it can still be looked at, and never be charged again.

    Source: https://docs.stripe.com/api/customers/delete.
    """
    _living(call)
    gone = objects.deleted("customer", call.path_id)
    call.store.replace(gone)
    return gone


def _living(call: Call) -> JsonObject:
    customer = call.require_path_object("customer")
    if customer.get("deleted"):
        raise path_not_found("customer", call.path_id)
    return customer


def _set_default_method(call: Call, customer: JsonObject) -> None:
    """Set what the caller names: the default of today, or the one from before there were payment methods.

    A customer can have both, and they need not be the same (https://docs.stripe.com/api/customers/object).
    """
    if "default_source" in call.params:
        _refuse_foreign_method(call, call.params["default_source"], customer["id"], "default_source")
        customer["default_source"] = call.params["default_source"]
    settings = call.params.get("invoice_settings", {})
    if "default_payment_method" not in settings:
        return
    given = settings["default_payment_method"]
    if _is_test_method(call, given):
        given = _attached(call, given, customer["id"])["id"]
    elif given is not None:
        _refuse_foreign_method(call, given, customer["id"], DEFAULT_METHOD_PARAM)
    customer["invoice_settings"]["default_payment_method"] = given


def _is_test_method(call: Call, method_id: str | None) -> bool:
    """Whether it is one of Stripe's test payment methods: there are none with a live key."""
    return method_id in TEST_METHODS and not call.livemode


def _refuse_foreign_method(call: Call, method_id: str, customer_id: str, param: str) -> None:
    method = call.store.get("payment_method", method_id)
    if method is None or method["customer"] != customer_id:
        raise StripeRefusalError(
            f"The customer does not have a payment method with the ID {method_id}. The payment method "
            "must be attached to the customer.",
            code="resource_missing",
            param=param,
        )


def create_method(call: Call) -> JsonObject:
    """`POST /v1/payment_methods` with `card[token]`, such as `tok_visa`."""
    token = call.params["card"]["token"]
    test_card = f"pm_card_{token.removeprefix('tok_')}"
    if not token.startswith("tok_") or not _is_test_method(call, test_card):
        raise not_found("token", token, "card[token]")
    return _made(call, test_card, None, call.params.get("metadata"))


def _made(call: Call, test_method: str, owner: str | None, metadata: dict[str, str] | None = None) -> JsonObject:
    """Make a payment method of its own from a test one, whose id only stands for it in a request."""
    method = payment_method(new_id("pm"), test_method, call.now, owner, metadata)
    call.store.insert(method)
    return method


def attach_method(call: Call) -> JsonObject:
    """`POST /v1/payment_methods/{id}/attach`."""
    customer = call.require("customer", call.params["customer"], "customer")
    if not _is_test_method(call, call.path_id):
        call.require_path_object("payment_method", "PaymentMethod")
    return _attached(call, call.path_id, customer["id"])


def _attached(call: Call, method_id: str, customer_id: str) -> JsonObject:
    method = known_payment_method(call, method_id, "payment_method")
    _refuse_declining(behaviour_of(method))
    if method["customer"] not in (None, customer_id):
        raise StripeRefusalError("The payment method you provided has already been attached to a customer.")
    method["customer"] = customer_id
    call.store.replace(method)
    return method


def _refuse_declining(behaviour: Card | Debit) -> None:
    """Decline what the bank declines when it is asked about the card, which is when a card is attached.

    Source: docs.stripe.com/testing ("Declined payments": the cards there cannot be attached, save one).
    """
    if isinstance(behaviour, Card) and behaviour.decline and not behaviour.declines_late:
        decline = behaviour.decline
        said = {"param": "", **{name: value for name, value in decline.fields.items() if value is not None}}
        raise StripeRefusalError(decline.message, status=402, error_type="card_error", **said)


def retrieve_method(call: Call) -> JsonObject:
    """`GET /v1/payment_methods/{id}`."""
    if _is_test_method(call, call.path_id):
        return _made(call, call.path_id, None)
    return call.require_path_object("payment_method", "PaymentMethod")


def known_payment_method(call: Call, method_id: str, param: str) -> JsonObject:
    """Return the payment method of that id: one that was made, or a new one for a test card that is named directly."""
    if _is_test_method(call, method_id):
        return _made(call, method_id, None)
    if method_id in TEST_METHODS:
        raise not_found("PaymentMethod", method_id, param, "test")
    return call.require("payment_method", method_id, param, "PaymentMethod")
