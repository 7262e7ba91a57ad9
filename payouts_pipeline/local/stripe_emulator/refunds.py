"""Refunds of charges: made by the API, and ended by the bank (https://docs.stripe.com/refunds).

The money leaves the balance when the refund is made, whether or not so much is available: Stripe would debit the bank.
"""

from payouts_pipeline.local.stripe_emulator import balance, events, objects
from payouts_pipeline.local.stripe_emulator.answers import InvalidRequestError, StripeRefusalError
from payouts_pipeline.local.stripe_emulator.balance_transactions import Movement
from payouts_pipeline.local.stripe_emulator.call import Call, new_id
from payouts_pipeline.local.stripe_emulator.cards import PENDING_REFUND
from payouts_pipeline.local.stripe_emulator.currencies import price
from payouts_pipeline.local.stripe_emulator.forms import Param, Spec, metadata, one_of, positive_integer, text, texts
from payouts_pipeline.local.stripe_emulator.methods import behaviour_of
from payouts_pipeline.local.stripe_emulator.store import JsonObject

CREATE: Spec = {
    "amount": Param(positive_integer),
    "charge": Param(text),
    "payment_intent": Param(text),
    "metadata": Param(metadata),
    "reason": Param(one_of("duplicate", "fraudulent", "requested_by_customer")),
    "expand": Param(texts),
}
UPDATE: Spec = {"metadata": Param(metadata), "expand": Param(texts)}


def create(call: Call) -> JsonObject:
    """`POST /v1/refunds`: all that is left of the charge, or a part of it."""
    charge = _charge(call)
    amount = _checked_amount(call, charge)
    refund = _made(call, charge, amount)
    refund["balance_transaction"] = _booked(call, charge, refund, -amount, _type_of(charge))
    call.store.insert(refund, source=charge["id"])
    call.journal("refund", refund, charge)
    events.tell(call, "refund.created", refund)
    events.tell(call, "charge.refunded", charge, _moved(call, charge, amount))
    return refund


def update(call: Call) -> JsonObject:
    """`POST /v1/refunds/{id}`: its metadata."""
    refund = call.require_path_object("refund")
    previous = objects.described_anew(call, refund)
    call.store.replace(refund)
    events.tell(call, "refund.updated", refund, previous)
    return refund


def end(call: Call, refund: JsonObject, failure_reason: str | None) -> None:
    """Let the bank answer: a pending refund succeeds, and one that is not failed yet can fail, days later as well."""
    previous = {"status": refund["status"]}
    refund |= {"status": "failed" if failure_reason else "succeeded", "pending_reason": None}
    if failure_reason:
        _given_back(call, refund, failure_reason)
    call.store.replace(refund)
    for kind in ("refund.updated", "charge.refund.updated", *(("refund.failed",) if failure_reason else ())):
        events.tell(call, kind, refund, previous)


def _charge(call: Call) -> JsonObject:
    """Return the charge that is named, or the one of the intent; it must have been paid, and not be disputed."""
    given = call.params
    if not {"charge", "payment_intent"} & given.keys():
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise InvalidRequestError(message)
    if "charge" in given:
        charge = call.require("charge", given["charge"], "charge")
    else:
        intent = call.require("payment_intent", given["payment_intent"], "payment_intent")
        if intent["status"] != "succeeded":
            raise StripeRefusalError(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
            )
        charge = call.require("charge", intent["latest_charge"], "charge")
    _check_refundable(call, charge)
    return charge


def _check_refundable(call: Call, charge: JsonObject) -> None:
    if not charge["paid"]:
        raise StripeRefusalError(f"Charge {charge['id']} has not been paid; cannot issue a refund.")
    row = call.store.row("disputes_of_charge", charge=charge["id"])
    if row and row[0]:
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise StripeRefusalError(message, code="charge_disputed")
    if charge["refunded"]:
        raise StripeRefusalError(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")


def _checked_amount(call: Call, charge: JsonObject) -> int:
    left, currency = charge["amount"] - charge["amount_refunded"], charge["currency"]
    amount = int(call.params.get("amount", left))
    if amount > left:
        raise StripeRefusalError(
            f"Refund amount ({price(amount, currency)}) is greater than unrefunded amount on charge "
            f"({price(left, currency)})",
            param="amount",
        )
    return amount


def _made(call: Call, charge: JsonObject, amount: int) -> JsonObject:
    """Return a refund: at once for a card, pending for a bank account, whose bank takes days to answer."""
    method = charge["payment_method_details"]
    is_card = method["type"] == "card"
    is_pending = not is_card or behaviour_of(method) == PENDING_REFUND
    details = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
    return {
        "id": new_id("re" if is_card else "pyr"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": call.now,
        "currency": charge["currency"],
        "destination_details": {"type": method["type"], method["type"]: details if is_card else {}},
        "failure_balance_transaction": None,
        "failure_reason": None,
        "metadata": objects.new_metadata(call.params),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "pending_reason": "processing" if is_pending else None,
        "reason": call.params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if is_pending else "succeeded",
        "transfer_reversal": None,
    }


def _type_of(charge: JsonObject) -> str:
    return "payment_refund" if charge["id"].startswith("py_") else "refund"


def _booked(call: Call, charge: JsonObject, refund: JsonObject, amount: int, kind: str) -> str:
    is_failure = kind == "refund_failure"
    movement = Movement(
        type=kind,
        amount=amount,
        currency=charge["currency"],
        source=refund["id"],
        available_on=call.now,
        description=f"REFUND {'FAILURE' if is_failure else 'FOR CHARGE'} ({charge['description'] or charge['id']})",
    )
    return str(balance.book(call, movement)["id"])


def _moved(call: Call, charge: JsonObject, amount: int) -> JsonObject:
    """Have the charge say how much was refunded, and return what it said before."""
    previous = {name: charge[name] for name in ("amount_refunded", "refunded")}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    call.store.replace(charge)
    return previous


def _given_back(call: Call, refund: JsonObject, reason: str) -> None:
    charge = call.require("charge", refund["charge"], "charge")
    _moved(call, charge, -refund["amount"])
    entry = _booked(call, charge, refund, refund["amount"], "refund_failure")
    refund |= {"failure_reason": reason, "failure_balance_transaction": entry}
    call.journal("refund_failure", refund, charge)
