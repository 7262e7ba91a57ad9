"""Mistakes in Stripe's journal, planted so that a reconciliation can be seen to find them. The balance follows."""

from payouts_pipeline.local.stripe_emulator import balance
from payouts_pipeline.local.stripe_emulator.call import Call, new_id
from payouts_pipeline.local.stripe_emulator.store import JsonObject


def doubled(call: Call, entry: JsonObject) -> JsonObject:
    """Book the balance transaction again, and return the second one."""
    second = entry | {"id": new_id("txn")}
    balance.keep(call, second)
    return second


def delete(call: Call, entry: JsonObject) -> None:
    """Have the balance transaction never been."""
    _count(call, entry, -entry["net"])
    call.store.run("delete_pending", balance_transaction=entry["id"])
    call.store.run("delete_object", id=entry["id"])


def change_amount(call: Call, entry: JsonObject, amount: int) -> None:
    """Have the balance transaction say another amount; its fee stays."""
    _count(call, entry, amount - entry["amount"])
    entry |= {"amount": amount, "net": amount - entry["fee"]}
    call.store.replace(entry)


def _count(call: Call, entry: JsonObject, amount: int) -> None:
    if entry["available_on"] <= call.now:
        call.store.run("add_available", currency=entry["currency"], amount=amount)
    else:
        call.store.run("change_pending", balance_transaction=entry["id"], amount=amount)
