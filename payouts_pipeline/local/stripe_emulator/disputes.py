"""Disputes of charges: a bank takes the money back, until one side has won (https://docs.stripe.com/disputes)."""

from payouts_pipeline.local.stripe_emulator import balance, events
from payouts_pipeline.local.stripe_emulator.answers import StripeRefusalError
from payouts_pipeline.local.stripe_emulator.balance_transactions import Movement
from payouts_pipeline.local.stripe_emulator.call import Call, new_id
from payouts_pipeline.local.stripe_emulator.store import JsonObject

RESPONSE_TIME_S = 9 * 24 * 60 * 60


def open_dispute(call: Call, charge: JsonObject, amount: int, reason: str, fee: int) -> JsonObject:
    """Withdraw the amount and the fee, and return the dispute."""
    dispute = _made(call, charge, amount, reason)
    _moved(call, dispute, -amount, fee, f"Chargeback withdrawal for {charge['id']}", "dispute")
    call.store.insert(dispute, source=charge["id"])
    call.store.replace(charge | {"disputed": True})
    call.journal("dispute", dispute, charge)
    events.tell(call, "charge.dispute.created", dispute)
    events.tell(call, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def win(call: Call, dispute: JsonObject, fee_returned: int) -> None:
    """Return the amount, with as much of the fee as is said."""
    amount, charge_id = dispute["amount"], dispute["charge"]
    _moved(call, dispute, amount, -fee_returned, f"Chargeback reversal for {charge_id}", "dispute_reversal")
    call.journal("dispute_reversal", dispute, call.require("charge", charge_id, "charge"))
    events.tell(call, "charge.dispute.funds_reinstated", dispute)
    _closed(call, dispute, "won")


def lose(call: Call, dispute: JsonObject) -> None:
    """Leave the amount with the bank."""
    _closed(call, dispute, "lost")


def close(call: Call) -> JsonObject:
    """`POST /v1/disputes/{id}/close`: accept that it is lost."""
    dispute = call.require_path_object("dispute")
    if dispute["status"] in ("won", "lost"):
        raise StripeRefusalError("This dispute is already closed.")
    lose(call, dispute)
    return dispute


def _closed(call: Call, dispute: JsonObject, status: str) -> None:
    previous = {"status": dispute["status"]}
    dispute["status"] = status
    call.store.replace(dispute)
    events.tell(call, "charge.dispute.closed", dispute, previous)


def _moved(call: Call, dispute: JsonObject, amount: int, fee: int, description: str, category: str) -> None:
    movement = Movement(
        type="adjustment",
        amount=amount,
        currency=dispute["currency"],
        source=dispute["id"],
        available_on=call.now,
        fee=fee,
        fee_description="Dispute fee",
        description=description,
        category=category,
    )
    dispute["balance_transactions"].append(balance.book(call, movement))


def _made(call: Call, charge: JsonObject, amount: int, reason: str) -> JsonObject:
    method = charge["payment_method_details"]["type"]
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": call.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": call.now + RESPONSE_TIME_S,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": call.livemode,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"type": method},
        "reason": reason,
        "status": "needs_response",
    }
