"""Payouts: from a balance to its owner's bank, of the platform or of a connected account."""

from payouts_pipeline.local.stripe_emulator import balance, events
from payouts_pipeline.local.stripe_emulator.balance_transactions import Movement
from payouts_pipeline.local.stripe_emulator.call import Call, new_id
from payouts_pipeline.local.stripe_emulator.store import JsonObject

# A bank takes days to say that it has the money, or does not want it.
ARRIVAL_S = 2 * 24 * 60 * 60


def begin(call: Call, amount: int, currency: str, *, automatic: bool) -> JsonObject:
    """Send the amount to the bank, from the platform's balance or that of the call's account."""
    payout = _made(call, amount, currency, automatic=automatic)
    if call.account is None:
        payout["balance_transaction"] = _booked(call, payout, -amount, "payout")
        if automatic:
            call.store.run("mark_paid_out", payout=payout["id"], currency=currency, now=call.now)
    call.store.insert(payout, account=call.account)
    events.tell(call, "payout.created", payout, account=call.account)
    return payout


def end(call: Call, payout: JsonObject, failure_code: str | None) -> None:
    """Let the bank take it, or send it back: also days after it was paid."""
    previous = {"status": payout["status"]}
    payout["status"] = "failed" if failure_code else "paid"
    if failure_code:
        message = f"The bank has returned the payout ({failure_code})."
        payout |= {"failure_code": failure_code, "failure_message": message}
        if call.account is None:
            payout["failure_balance_transaction"] = _booked(call, payout, payout["amount"], "payout_failure")
    call.store.replace(payout)
    for kind in (f"payout.{payout['status']}", "payout.updated"):
        events.tell(call, kind, payout, previous, call.account)


def _booked(call: Call, payout: JsonObject, amount: int, kind: str) -> str:
    movement = Movement(
        type=kind,
        amount=amount,
        currency=payout["currency"],
        source=payout["id"],
        available_on=call.now,
        description=payout["description"],
    )
    return str(balance.book(call, movement)["id"])


def _made(call: Call, amount: int, currency: str, *, automatic: bool) -> JsonObject:
    return {
        "id": new_id("po"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": call.now + ARRIVAL_S,
        "automatic": automatic,
        "balance_transaction": None if call.account is None else new_id("txn"),
        "created": call.now,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": new_id("ba"),
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": call.livemode,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "in_transit",
        "trace_id": None,
        "type": "bank_account",
    }
