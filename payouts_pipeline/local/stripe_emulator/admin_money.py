"""Operations of the admin API on money: the journal, the balance, and what players and banks do about payments."""

import json

from payouts_pipeline.local.stripe_emulator import attempts, charges, processing, topups
from payouts_pipeline.local.stripe_emulator.admin_request import AdminRequest, BadAdminRequestError
from payouts_pipeline.local.stripe_emulator.answers import StripeRefusalError
from payouts_pipeline.local.stripe_emulator.balance import AVAILABILITY_DELAY, available, book
from payouts_pipeline.local.stripe_emulator.balance_transactions import Movement
from payouts_pipeline.local.stripe_emulator.call import Call
from payouts_pipeline.local.stripe_emulator.cards import Decline
from payouts_pipeline.local.stripe_emulator.currencies import SUPPORTED
from payouts_pipeline.local.stripe_emulator.models import (
    MAX_JOURNAL_PAGE,
    BalanceChange,
    JournalRow,
    PaymentByOwner,
    PaymentEnd,
)
from payouts_pipeline.local.stripe_emulator.store import JsonObject

JOURNAL_COLUMNS = tuple(JournalRow.model_fields)


def journal(request: AdminRequest) -> JsonObject:
    """`GET /journal?after=N&limit=M`: movements in order, up to 5,000 a page."""
    after, limit = request.whole("after", 0), min(request.whole("limit", 1000), MAX_JOURNAL_PAGE)
    request.settled_call()
    found = request.store.rows("read_movements", after=after, limit=limit + 1)
    rows = [dict(zip(JOURNAL_COLUMNS, row, strict=True)) for row in found[:limit]]
    for row in rows:
        row["metadata"] = json.loads(row["metadata"])
    return {
        "rows": rows,
        "has_more": len(found) > limit,
        "next_after": rows[-1]["seq"] if rows else after,
    }


def balance(request: AdminRequest) -> JsonObject:
    """`GET /balance`: minor units by currency."""
    request.settled_call()
    return {
        "available": dict(request.store.rows("all_available")),
        "pending": dict(request.store.rows("all_pending")),
        "availability_delay_s": request.store.setting(AVAILABILITY_DELAY),
    }


def change_balance(request: AdminRequest) -> JsonObject:
    """`POST /balance`: set or add available amounts, or say how long new funds stay pending.

    What is added is a top-up, and what is taken away an adjustment: the balance is the sum of what is in the journal.
    """
    change = request.parsed(BalanceChange)
    for currency in (*change.set, *change.add):
        if currency not in SUPPORTED:
            raise BadAdminRequestError(f"Currency {currency!r} is unknown; write it in lower case.")
    call = request.settled_call()
    for currency, amount in change.set.items():
        _add(call, currency, amount - available(call, currency))
    for currency, amount in change.add.items():
        _add(call, currency, amount)
    if change.availability_delay_s is not None:
        request.store.run("set_setting", name=AVAILABILITY_DELAY, value=change.availability_delay_s)
    return balance(request)


def _add(call: Call, currency: str, amount: int) -> None:
    if amount > 0:
        topups.top_up(call, amount, currency)
    else:
        book(call, Movement("adjustment", amount, currency, source=None, available_on=call.now))


def payments(request: AdminRequest) -> JsonObject:
    """`GET /payments`: all payment intents as they stand now, the oldest first."""
    request.settled_call()
    return {"payments": [json.loads(body) for (body,) in request.store.rows("all_of_kind", kind="payment_intent")]}


def end_payment(request: AdminRequest) -> JsonObject:
    """`POST /payments/end`: the bank answers now for a payment that is `processing`."""
    order = request.parsed(PaymentEnd)
    intent = request.known("payment_intent", order.payment_intent, ("processing",))
    failure = Decline(order.failure_code, order.failure_code, order.failure_message) if order.failure_code else None
    processing.end(request.call(), intent, failure)
    return intent


def pay(request: AdminRequest) -> JsonObject:
    """`POST /payments/pay`: the player pays by the bank's app, or somebody does for them from the dashboard."""
    order = request.parsed(PaymentByOwner)
    intent = request.known("payment_intent", order.payment_intent, charges.CONFIRMABLE)
    params = {"payment_method": order.payment_method} if order.payment_method else {}
    call = request.call(**params)
    try:
        charges.name_method(call, intent)
        attempts.attempted(call, intent)
    except StripeRefusalError as error:
        raise BadAdminRequestError(str(error)) from error
    request.store.replace(intent)
    return intent
