"""Operations of the admin API on the books: what Stripe and the banks do that nobody asks for by Stripe's API."""

from dataclasses import replace

from payouts_pipeline.local.stripe_emulator import (
    accounts,
    balance,
    disputes,
    payouts,
    planting,
    refunds,
    topups,
)
from payouts_pipeline.local.stripe_emulator.admin_request import AdminRequest, BadAdminRequestError
from payouts_pipeline.local.stripe_emulator.balance_transactions import Movement
from payouts_pipeline.local.stripe_emulator.call import Call
from payouts_pipeline.local.stripe_emulator.orders import (
    BankChange,
    CapabilityChange,
    DisputeEnd,
    DisputeStart,
    FeeRates,
    PayoutEnd,
    PayoutStart,
    RefundEnd,
    TopUpOrder,
    TransactionChange,
    TransactionOrder,
)
from payouts_pipeline.local.stripe_emulator.store import JsonObject


def set_fees(request: AdminRequest) -> JsonObject:
    """`POST /fees`: what Stripe keeps of later charges."""
    rates = request.parsed(FeeRates).rates
    request.store.run("reset_fees")
    for currency, rate in rates.items():
        request.store.run("put_fee", currency=currency, **rate.model_dump())
    return {"fees": len(rates)}


def end_refund(request: AdminRequest) -> JsonObject:
    """`POST /refunds/end`: the bank has taken it, or sends it back."""
    order = request.parsed(RefundEnd)
    may_be = ("pending", "succeeded") if order.failure_reason else ("pending",)
    refund = request.known("refund", order.refund, may_be)
    refunds.end(request.settled_call(), refund, order.failure_reason)
    return refund


def open_dispute(request: AdminRequest) -> JsonObject:
    """`POST /disputes`: the owner of the card wants the money back."""
    order = request.parsed(DisputeStart)
    charge = request.known("charge", order.charge, ("succeeded",))
    largest = charge["amount"] - charge["amount_refunded"]
    amount = largest if order.amount is None else order.amount
    if not 0 < amount <= charge["amount"] or charge["disputed"]:
        raise BadAdminRequestError(f"Charge {order.charge!r} cannot be disputed (again) by {amount}.")
    return disputes.open_dispute(request.settled_call(), charge, amount, order.reason, order.fee_minor)


def end_dispute(request: AdminRequest) -> JsonObject:
    """`POST /disputes/end`: one side has won."""
    order = request.parsed(DisputeEnd)
    dispute = request.known("dispute", order.dispute, ("needs_response",))
    call = request.settled_call()
    if order.is_won:
        disputes.win(call, dispute, order.fee_returned_minor)
    else:
        disputes.lose(call, dispute)
    return dispute


def top_up(request: AdminRequest) -> JsonObject:
    """`POST /topups`: the platform's bank sends money."""
    order = request.parsed(TopUpOrder)
    return topups.top_up(request.settled_call(), order.amount, order.currency)


def begin_payout(request: AdminRequest) -> JsonObject:
    """`POST /payouts`: money leaves for a bank."""
    order = request.parsed(PayoutStart)
    call = _acting_for(request, order.account)
    largest = _available(call, order.currency)
    amount = largest if order.amount is None else order.amount
    if not 0 < amount <= largest:
        raise BadAdminRequestError(f"There are {largest} {order.currency} available: {amount} cannot be paid out.")
    return payouts.begin(call, amount, order.currency, automatic=order.is_automatic)


def _available(call: Call, currency: str) -> int:
    if call.account is None:
        return balance.available(call, currency)
    held = accounts.holdings(call, call.account)
    return sum(amount for of, is_available, amount in held if is_available and of == currency)


def end_payout(request: AdminRequest) -> JsonObject:
    """`POST /payouts/end`: the bank has it, or sends it back, which it can do days later."""
    order = request.parsed(PayoutEnd)
    may_be = ("in_transit", "paid") if order.failure_code else ("in_transit",)
    payout = request.known("payout", order.payout, may_be, order.account)
    payouts.end(_acting_for(request, order.account), payout, order.failure_code)
    return payout


def _acting_for(request: AdminRequest, account: str | None) -> Call:
    return replace(request.settled_call(), account=account)


def set_capability(request: AdminRequest) -> JsonObject:
    """`POST /accounts/capability`: Stripe lets an account receive transfers, or no more."""
    order = request.parsed(CapabilityChange)
    account = request.known("account", order.account)
    capabilities = account["capabilities"] | {"transfers": order.transfers}
    accounts.change(request.settled_call(), account, capabilities=capabilities)
    return account


def set_bank(request: AdminRequest) -> JsonObject:
    """`POST /accounts/bank`: Stripe pays what an account has to its bank, or no more until it has what it asks for."""
    order = request.parsed(BankChange)
    account = request.known("account", order.account)
    requirements = account["requirements"] | {"disabled_reason": order.disabled_reason}
    changed = {"payouts_enabled": order.payouts_enabled, "requirements": requirements}
    accounts.change(request.settled_call(), account, **changed)
    return account


def book(request: AdminRequest) -> JsonObject:
    """`POST /transactions`: a movement that is there by itself."""
    order = request.parsed(TransactionOrder)
    call = request.settled_call()
    return balance.book(call, Movement(**order.model_dump(), available_on=call.now))


def change(request: AdminRequest) -> JsonObject:
    """`POST /transactions/change`: plant a mistake in Stripe's journal."""
    order = request.parsed(TransactionChange)
    entry = request.known("balance_transaction", order.transaction)
    call = request.settled_call()
    if order.action == "double":
        return planting.doubled(call, entry)
    if order.amount is None:
        planting.delete(call, entry)
    else:
        planting.change_amount(call, entry, order.amount)
    return entry
