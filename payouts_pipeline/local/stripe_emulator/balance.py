"""The platform's balance: the sum of its balance transactions, some of it pending until a time.

Each is written by `book` and counts towards what is available at once, or from the time it says.
"""

from collections.abc import Iterable

from payouts_pipeline.local.stripe_emulator import accounts, events, fees
from payouts_pipeline.local.stripe_emulator.answers import StripeRefusalError
from payouts_pipeline.local.stripe_emulator.balance_transactions import Movement, made
from payouts_pipeline.local.stripe_emulator.call import Call
from payouts_pipeline.local.stripe_emulator.forms import Param, Spec, texts
from payouts_pipeline.local.stripe_emulator.store import JsonObject

RETRIEVE: Spec = {"expand": Param(texts)}
AVAILABILITY_DELAY = "availability_delay_s"


def book(call: Call, movement: Movement) -> JsonObject:
    """Write a movement into the balance, and return its balance transaction."""
    entry = made(call, movement)
    keep(call, entry)
    return entry


def keep(call: Call, entry: JsonObject) -> None:
    """Keep a balance transaction, and count it: now, or once it is available."""
    call.store.insert(entry)
    if entry["available_on"] <= call.now:
        call.store.run("add_available", currency=entry["currency"], amount=entry["net"])
    else:
        call.store.run(
            "insert_pending",
            balance_transaction=entry["id"],
            currency=entry["currency"],
            net=entry["net"],
            available_on=entry["available_on"],
        )


def book_charge(call: Call, charge: JsonObject) -> None:
    """Write a paid charge into balance and journal: its net comes, now or once it is available.

    One that is not of a card is a `payment`, as its id says.
    """
    entry = book(
        call,
        Movement(
            type="payment" if charge["id"].startswith("py_") else "charge",
            amount=charge["amount"],
            currency=charge["currency"],
            source=charge["id"],
            available_on=call.now + call.store.setting(AVAILABILITY_DELAY),
            fee=fees.of_charge(call, charge["amount"], charge["currency"]),
            description=charge["description"],
        ),
    )
    charge["balance_transaction"] = entry["id"]
    call.journal("charge", charge)


def available_on(call: Call, source: JsonObject) -> int:
    """When what a charge or transfer has moved is available, at the earliest now."""
    entry = call.require("balance_transaction", source["balance_transaction"], "source_transaction")
    return max(call.now, int(entry["available_on"]))


def release_due(call: Call) -> None:
    """Make available what is due by now, and tell that there is more."""
    due = call.store.rows("due_pending", now=call.now)
    if not due:
        return
    for currency, net in due:
        call.store.run("add_available", currency=currency, amount=net)
    call.store.run("delete_due_pending", now=call.now)
    events.tell(call, "balance.available", _of_platform(call))


def available(call: Call, currency: str) -> int:
    """Return what can be transferred now, in minor units."""
    row = call.store.row("available", currency=currency)
    return row[0] if row else 0


def retrieve(call: Call) -> JsonObject:
    """`GET /v1/balance`, of the platform or of the connected account that it acts for."""
    if call.account is None:
        return _of_platform(call)
    held = accounts.holdings(call, call.account)
    there = [(currency, amount) for currency, is_available, amount in held if is_available]
    coming = [(currency, amount) for currency, is_available, amount in held if not is_available]
    return _shown(call, there, coming)


def _of_platform(call: Call) -> JsonObject:
    return _shown(call, call.store.rows("all_available"), call.store.rows("all_pending"))


def _shown(call: Call, there: Iterable[tuple[str, int]], coming: Iterable[tuple[str, int]]) -> JsonObject:
    return {
        "object": "balance",
        "available": [_amount(*row) for row in there],
        "connect_reserved": [],
        "livemode": call.livemode,
        "pending": [_amount(*row) for row in coming],
    }


def _amount(currency: str, amount: int) -> JsonObject:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def shortage() -> StripeRefusalError:
    """Stripe's answer where the platform has not enough that is available."""
    return StripeRefusalError(
        "You have insufficient available funds in your Stripe account. Try adding funds directly to your "
        "available balance by creating Charges using the 4000000000000077 test card. See: "
        "https://stripe.com/docs/testing#available-balance",
        code="balance_insufficient",
    )
