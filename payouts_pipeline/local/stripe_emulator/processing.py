"""Payments on their way through a bank: what is `processing`, and how it ends, by the clock or by order."""

from dataclasses import replace

from payouts_pipeline.local.stripe_emulator import balance, events, objects
from payouts_pipeline.local.stripe_emulator.answers import StripeRefusalError
from payouts_pipeline.local.stripe_emulator.call import Call
from payouts_pipeline.local.stripe_emulator.cards import Decline
from payouts_pipeline.local.stripe_emulator.debits import DEBIT_DURATION_S, Debit
from payouts_pipeline.local.stripe_emulator.methods import behaviour_of
from payouts_pipeline.local.stripe_emulator.store import JsonObject

# Further away than any clock goes.
NEVER = 2**53


def begin(call: Call, intent: JsonObject, debit: Debit) -> None:
    """Note when the bank will answer, and for which call: the journal names it once the money moves."""
    call.store.run(
        "insert_processing",
        payment_intent=intent["id"],
        due_at=call.now + DEBIT_DURATION_S if debit.ends else NEVER,
        idempotency_key=call.idempotency_key,
        request_id=call.request_id,
        stripe_version=call.stripe_version,
    )


def can_be_cancelled(call: Call, intent: JsonObject) -> bool:
    """Whether the payment is on its way and can still be stopped."""
    row = call.store.row("find_processing", payment_intent=intent["id"])
    return row is not None and row[0] == NEVER


def withdraw(call: Call, intent: JsonObject) -> None:
    """Take a cancelled payment back from its way, if it is on one."""
    if call.store.row("find_processing", payment_intent=intent["id"]) is None:
        return
    call.store.run("delete_processing", payment_intent=intent["id"])
    _end_charge(call, intent, "failed", None)


def end_due(call: Call) -> None:
    """End what the bank has answered by now, each as its bank account says."""
    for (intent_id,) in call.store.rows("due_processing", now=call.now):
        intent = call.store.get("payment_intent", intent_id)
        if intent is not None:
            charge = call.require("charge", intent["latest_charge"], "charge")
            behaviour = behaviour_of(charge["payment_method_details"])
            end(call, intent, behaviour.failure if isinstance(behaviour, Debit) else None)


def end(call: Call, intent: JsonObject, failure: Decline | None) -> None:
    """Let the payment succeed, or fail and stand at `requires_payment_method`."""
    _, idempotency_key, request_id, stripe_version = call.store.rows("find_processing", payment_intent=intent["id"])[0]
    call.store.run("delete_processing", payment_intent=intent["id"])
    asked = replace(call, idempotency_key=idempotency_key, request_id=request_id, stripe_version=stripe_version)
    if failure is None:
        _succeed(asked, intent)
    else:
        _fail(asked, intent, failure)
    call.store.replace(intent)


def _succeed(call: Call, intent: JsonObject) -> None:
    charge = _end_charge(call, intent, "succeeded", None)
    balance.book_charge(call, charge)
    call.store.replace(charge)
    intent.update(status="succeeded", amount_received=charge["amount"], last_payment_error=None)
    events.tell(call, "charge.succeeded", charge)
    events.tell(call, "payment_intent.succeeded", intent)


def _fail(call: Call, intent: JsonObject, failure: Decline) -> None:
    charge = _end_charge(call, intent, "failed", failure)
    method = call.store.get("payment_method", charge["payment_method"])
    error = StripeRefusalError(failure.message, code=failure.code, charge=charge["id"], payment_method=method).error
    intent.update(status="requires_payment_method", payment_method=None, last_payment_error=error)
    events.tell(call, "charge.failed", charge)
    events.tell(call, "payment_intent.payment_failed", intent)


def _end_charge(call: Call, intent: JsonObject, status: str, failure: Decline | None) -> JsonObject:
    charge = call.require("charge", intent["latest_charge"], "charge")
    charge.update(objects.charge_outcome(intent["amount"], status, failure))
    call.store.replace(charge)
    return charge
