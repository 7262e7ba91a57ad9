"""Operations of the admin API on money: the journal, the balance, and what players and banks do about payments."""

import json

from payouts_pipeline.local.stripe_emulator import attempts, charges, processing
from payouts_pipeline.local.stripe_emulator.admin_request import AdminRequest, BadAdminRequestError
from payouts_pipeline.local.stripe_emulator.answers import StripeRefusalError
from payouts_pipeline.local.stripe_emulator.balance import AVAILABILITY_DELAY, release_due
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
    processing.end_due(request.call())
    found = request.store.rows("read_journal", after=after, limit=limit + 1)
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
    processing.end_due(request.call())
    release_due(request.store, request.now)
    return {
        "available": dict(request.store.rows("all_available")),
        "pending": dict(request.store.rows("all_pending")),
        "availability_delay_s": request.store.setting(AVAILABILITY_DELAY),
    }


def change_balance(request: AdminRequest) -> JsonObject:
    """`POST /balance`: set or add available amounts, or say how long new funds stay pending."""
    change = request.parsed(BalanceChange)
    for currency in (*change.set, *change.add):
        if currency not in SUPPORTED:
            raise BadAdminRequestError(f"Currency {currency!r} is unknown; write it in lower case.")
    for currency, amount in change.set.items():
        request.store.run("set_available", currency=currency, amount=amount)
    for currency, amount in change.add.items():
        request.store.run("add_available", currency=currency, amount=amount)
    if change.availability_delay_s is not None:
        request.store.run("set_setting", name=AVAILABILITY_DELAY, value=change.availability_delay_s)
    return balance(request)


def payments(request: AdminRequest) -> JsonObject:
    """`GET /payments`: all payment intents as they stand now, the oldest first."""
    processing.end_due(request.call())
    return {"payments": [json.loads(body) for (body,) in request.store.rows("all_of_kind", kind="payment_intent")]}


def end_payment(request: AdminRequest) -> JsonObject:
    """`POST /payments/end`: the bank answers now for a payment that is `processing`."""
    order = request.parsed(PaymentEnd)
    intent = _intent(request, order.payment_intent, ("processing",))
    failure = Decline(order.failure_code, order.failure_code, order.failure_message) if order.failure_code else None
    processing.end(request.call(), intent, failure)
    return intent


def pay(request: AdminRequest) -> JsonObject:
    """`POST /payments/pay`: the player pays by the bank's app, or somebody does for them from the dashboard."""
    order = request.parsed(PaymentByOwner)
    intent = _intent(request, order.payment_intent, charges.CONFIRMABLE)
    params = {"payment_method": order.payment_method} if order.payment_method else {}
    call = request.call(**params)
    try:
        charges.name_method(call, intent)
        attempts.attempted(call, intent)
    except StripeRefusalError as error:
        raise BadAdminRequestError(str(error)) from error
    request.store.replace(intent)
    return intent


def _intent(request: AdminRequest, intent_id: str, statuses: tuple[str, ...]) -> JsonObject:
    intent = request.store.get("payment_intent", intent_id)
    if intent is None:
        raise BadAdminRequestError(f"There is no payment intent {intent_id!r} with this key's account and mode.")
    if intent["status"] not in statuses:
        raise BadAdminRequestError(f"Payment intent {intent_id!r} is {intent['status']}, not {' or '.join(statuses)}.")
    return intent
