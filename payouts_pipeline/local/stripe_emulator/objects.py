"""The shapes of Stripe's objects, with the fields that a platform would read."""

from payouts_pipeline.local.stripe_emulator.call import Call, new_id
from payouts_pipeline.local.stripe_emulator.cards import Decline
from payouts_pipeline.local.stripe_emulator.methods import details_of
from payouts_pipeline.local.stripe_emulator.redirects import automatic_payment_methods
from payouts_pipeline.local.stripe_emulator.store import JsonObject


def deleted(kind: str, object_id: str) -> JsonObject:
    """Return what Stripe shows of an object that was deleted."""
    return {"id": object_id, "object": kind, "deleted": True}


def customer(customer_id: str, now: int, params: JsonObject, *, livemode: bool) -> JsonObject:
    """Return a customer; `params` are those of `POST /v1/customers`."""
    return {
        "id": customer_id,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": now,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": params.get("description"),
        "discount": None,
        "email": params.get("email"),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": livemode,
        "metadata": new_metadata(params),
        "name": params.get("name"),
        "next_invoice_sequence": 1,
        "phone": params.get("phone"),
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def account(account_id: str, now: int, params: JsonObject, transfers: str = "active") -> JsonObject:
    """Return a connected account that is ready to receive: onboarding is not what this emulator is about."""
    return {
        "id": account_id,
        "object": "account",
        "business_type": None,
        "capabilities": {"transfers": transfers},
        "charges_enabled": True,
        "country": params.get("country", "US"),
        "created": now,
        "default_currency": None,
        "details_submitted": True,
        "email": params.get("email"),
        "metadata": new_metadata(params),
        "payouts_enabled": True,
        "requirements": {"currently_due": [], "disabled_reason": None, "past_due": []},
        "type": params.get("type", "standard"),
    }


def new_metadata(params: JsonObject) -> dict[str, str]:
    """Leave out empty values: to Stripe they mean that there is no such key."""
    return {key: value for key, value in params.get("metadata", {}).items() if value}


def described_anew(call: Call, body: JsonObject) -> JsonObject:
    """Merge the call's metadata into the object's, and return what it had before."""
    previous = {"metadata": body["metadata"]}
    merged = {**body["metadata"], **call.params.get("metadata", {})}
    body["metadata"] = {key: value for key, value in merged.items() if value}
    return previous


# What a caller may say about a payment and finds again in the intent, without any effect here.
DESCRIPTIVE_FIELDS = ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix")


def payment_intent(call: Call, currency: str) -> JsonObject:
    """Return a payment intent before its confirmation."""
    params, intent_id = call.params, new_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": params["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "allowed_payment_method_types": None,
        "automatic_payment_methods": automatic_payment_methods(call),
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": params.get("capture_method", "automatic_async"),
        "client_secret": f"{intent_id}_secret_emulated",
        "confirmation_method": "automatic",
        "created": call.now,
        "currency": currency,
        "customer": params.get("customer"),
        "customer_account": None,
        "excluded_payment_method_types": None,
        **{name: params.get(name) for name in DESCRIPTIVE_FIELDS},
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": call.livemode,
        "managed_payments": {"enabled": False},
        "metadata": new_metadata(params),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": params.get("payment_method_types", ["card"]),
        "processing": None,
        "review": None,
        "setup_future_usage": params.get("setup_future_usage"),
        "shipping": None,
        "source": None,
        "status": "requires_confirmation" if params.get("payment_method") else "requires_payment_method",
        "transfer_data": None,
        "transfer_group": params.get("transfer_group"),
    }


def charge(call: Call, intent: JsonObject, method: JsonObject, status: str, refusal: Decline | None) -> JsonObject:
    """Return the charge of a confirmed intent: `succeeded`, `pending`, or `failed` with the refusal.

    One that is not of a card has an id `py_…` (https://docs.stripe.com/api/charges/object).
    """
    return {
        "id": new_id("ch" if method["type"] == "card" else "py"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "captured": False,
        "created": call.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "destination": None,
        "disputed": False,
        "livemode": call.livemode,
        "metadata": intent["metadata"],
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": details_of(method),
        "refunded": False,
        "source_transfer": None,
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "transfer_group": intent["transfer_group"],
        **charge_outcome(intent["amount"], status, refusal),
    }


def charge_outcome(amount: int, status: str, refusal: Decline | None) -> JsonObject:
    """Return what a charge says of how it ended; a bank debit learns that days after it was made."""
    paid = status == "succeeded"
    outcome = {"network_status": "approved_by_network", "reason": None, "type": "authorized"}
    if refusal:
        reason = refusal.decline_code
        outcome = {"network_status": "declined_by_network", "reason": reason, "type": "issuer_declined"}
    return {
        "amount_captured": amount if paid else 0,
        "captured": paid,
        "failure_code": refusal.code if refusal else None,
        "failure_message": refusal.message if refusal else None,
        "outcome": outcome,
        "paid": paid,
        "status": status,
    }


def transfer(call: Call, currency: str) -> JsonObject:
    """Return a transfer to a connected account."""
    params, transfer_id = call.params, new_id("tr")
    return {
        "id": transfer_id,
        "object": "transfer",
        "amount": params["amount"],
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": call.now,
        "currency": currency,
        "description": params.get("description"),
        "destination": params["destination"],
        "destination_payment": new_id("py"),
        "livemode": call.livemode,
        "metadata": new_metadata(params),
        "reversals": {
            "object": "list",
            "data": [],
            "has_more": False,
            "total_count": 0,
            "url": f"/v1/transfers/{transfer_id}/reversals",
        },
        "reversed": False,
        "source_transaction": params.get("source_transaction"),
        "source_type": params.get("source_type", "card"),
        "transfer_group": params.get("transfer_group", f"group_{transfer_id}"),
    }


def shown(body: JsonObject, now: int) -> JsonObject:
    """Return the object as it is seen now: funds of a balance transaction become available by themselves."""
    entries = {"balance_transaction": [body], "dispute": body.get("balance_transactions", [])}
    for entry in entries.get(body["object"], ()):
        entry["status"] = "available" if entry["available_on"] <= now else "pending"
    return body
