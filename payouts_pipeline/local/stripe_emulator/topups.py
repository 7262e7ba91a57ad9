"""Top-ups: from the platform's bank into its balance (https://docs.stripe.com/api/topups)."""

from payouts_pipeline.local.stripe_emulator import balance, events
from payouts_pipeline.local.stripe_emulator.balance_transactions import Movement
from payouts_pipeline.local.stripe_emulator.call import Call, new_id
from payouts_pipeline.local.stripe_emulator.store import JsonObject


def top_up(call: Call, amount: int, currency: str) -> JsonObject:
    """Add the amount to what is available, and return the top-up: here the bank has said yes at once."""
    topup = _made(call, amount, currency)
    movement = Movement(
        type="topup",
        amount=amount,
        currency=currency,
        source=topup["id"],
        available_on=call.now,
        description=topup["description"],
    )
    topup["balance_transaction"] = balance.book(call, movement)["id"]
    call.store.insert(topup)
    events.tell(call, "topup.created", topup | {"status": "pending", "balance_transaction": None})
    events.tell(call, "topup.succeeded", topup)
    return topup


def _made(call: Call, amount: int, currency: str) -> JsonObject:
    return {
        "id": new_id("tu"),
        "object": "topup",
        "amount": amount,
        "balance_transaction": None,
        "created": call.now,
        "currency": currency,
        "description": "Top-up",
        "expected_availability_date": call.now,
        "failure_code": None,
        "failure_message": None,
        "initiated_by": "user",
        "livemode": call.livemode,
        "metadata": {},
        "source": None,
        "statement_descriptor": None,
        "status": "succeeded",
        "transfer_group": None,
    }
