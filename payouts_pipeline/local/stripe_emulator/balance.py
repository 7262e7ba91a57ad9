"""The platform's balance: funds come from charges, wait until they are available, and leave by transfers."""

from payouts_pipeline.local.stripe_emulator import objects
from payouts_pipeline.local.stripe_emulator.call import Call
from payouts_pipeline.local.stripe_emulator.currencies import ZERO_DECIMAL, step_of
from payouts_pipeline.local.stripe_emulator.forms import Param, Spec, texts
from payouts_pipeline.local.stripe_emulator.store import JsonObject, Store

RETRIEVE: Spec = {"expand": Param(texts)}
AVAILABILITY_DELAY = "availability_delay_s"

# Stripe's list price for a card in the US: 2.9 % and 30 cents.
FEE_PER_MILLE = 29
FIXED_FEE = 30


def stripe_fee(amount: int, currency: str) -> int:
    """Return what Stripe keeps of a charge, in minor units and steps of the currency, at most the charge."""
    step = step_of(currency)
    fixed = FIXED_FEE if currency in ZERO_DECIMAL else FIXED_FEE * (10 if step == 10 else 1)
    exact = amount * FEE_PER_MILLE // 1000 + fixed
    return min(amount, exact // step * step)


def book(call: Call, source: JsonObject, *, amount: int, fee: int, available_on: int) -> str:
    """Write a charge (plus) or transfer (minus) into the balance; gives the id of the balance transaction."""
    entry = objects.balance_transaction(source, amount, fee, available_on)
    call.store.insert(entry)
    if available_on <= call.now:
        call.store.run("add_available", currency=entry["currency"], amount=entry["net"])
    else:
        call.store.run(
            "insert_pending",
            balance_transaction=entry["id"],
            currency=entry["currency"],
            net=entry["net"],
            available_on=available_on,
        )
    return str(entry["id"])


def book_charge(call: Call, charge: JsonObject) -> None:
    """Write a paid charge into balance and journal: its net comes, now or once it is available."""
    fee = stripe_fee(charge["amount"], charge["currency"])
    available_on = call.now + call.store.setting(AVAILABILITY_DELAY)
    charge["balance_transaction"] = book(call, charge, amount=charge["amount"], fee=fee, available_on=available_on)
    call.journal("charge", charge)


def release_due(store: Store, now: int) -> None:
    """Make available what is due by now."""
    due = store.rows("due_pending", now=now)
    for currency, net in due:
        store.run("add_available", currency=currency, amount=net)
    if due:
        store.run("delete_due_pending", now=now)


def available(call: Call, currency: str) -> int:
    """Return what can be transferred now, in minor units."""
    release_due(call.store, call.now)
    row = call.store.row("available", currency=currency)
    return row[0] if row else 0


def retrieve(call: Call) -> JsonObject:
    """`GET /v1/balance`."""
    release_due(call.store, call.now)
    return {
        "object": "balance",
        "available": [_amount(*row) for row in call.store.rows("all_available")],
        "connect_reserved": [],
        "livemode": call.livemode,
        "pending": [_amount(*row) for row in call.store.rows("all_pending")],
    }


def _amount(currency: str, amount: int) -> JsonObject:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}
