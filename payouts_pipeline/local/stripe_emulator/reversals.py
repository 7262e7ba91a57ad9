"""Reversals of transfers: what a connected account gives back (https://docs.stripe.com/api/transfer_reversals)."""

from dataclasses import replace

from payouts_pipeline.local.stripe_emulator import accounts, balance, events, objects
from payouts_pipeline.local.stripe_emulator.answers import StripeRefusalError, path_not_found
from payouts_pipeline.local.stripe_emulator.balance_transactions import Movement
from payouts_pipeline.local.stripe_emulator.call import Call, new_id
from payouts_pipeline.local.stripe_emulator.currencies import price
from payouts_pipeline.local.stripe_emulator.forms import (
    Param,
    Spec,
    boolean,
    metadata,
    optional_text,
    positive_integer,
    texts,
)
from payouts_pipeline.local.stripe_emulator.listing import lister
from payouts_pipeline.local.stripe_emulator.store import JsonObject

CREATE: Spec = {
    "amount": Param(positive_integer),
    "description": Param(optional_text),
    "metadata": Param(metadata),
    "refund_application_fee": Param(boolean),
    "expand": Param(texts),
}


def create(call: Call) -> JsonObject:
    """`POST /v1/transfers/{id}/reversals`: all that is left of the transfer, or a part of it."""
    transfer = call.require_path_object("transfer")
    amount = _checked_amount(call, transfer)
    _check_funds(call, transfer, amount)
    reversal = _made(call, transfer, amount)
    movement = Movement(
        type="transfer_refund",
        amount=amount,
        currency=transfer["currency"],
        source=reversal["id"],
        available_on=balance.available_on(call, transfer),
        description=call.params.get("description"),
    )
    reversal["balance_transaction"] = balance.book(call, movement)["id"]
    call.store.insert(reversal, source=transfer["id"])
    call.journal("reversal", reversal, transfer)
    _taken_back(call, transfer, amount)
    return reversal


def _checked_amount(call: Call, transfer: JsonObject) -> int:
    left, currency = transfer["amount"] - transfer["amount_reversed"], transfer["currency"]
    if not left:
        raise StripeRefusalError(f"The transfer {transfer['id']} is already fully reversed.")
    amount = int(call.params.get("amount", left))
    if amount > left:
        # Stripe documents that it refuses this, not in which words.
        raise StripeRefusalError(
            f"Reversal amount ({price(amount, currency)}) is greater than unreversed amount of the transfer "
            f"({price(left, currency)}).",
            param="amount",
        )
    return amount


def _check_funds(call: Call, transfer: JsonObject, amount: int) -> None:
    """Refuse what the account no longer has: it is reversed only if "the destination account has enough balance"."""
    held = accounts.holdings(call, transfer["destination"])
    if call.forced_shortage or sum(part for currency, _, part in held if currency == transfer["currency"]) < amount:
        raise StripeRefusalError(
            f"The destination account {transfer['destination']} has insufficient funds to cover the reversal of this "
            "transfer.",
            code="balance_insufficient",
        )


def _made(call: Call, transfer: JsonObject, amount: int) -> JsonObject:
    return {
        "id": new_id("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": None,
        "created": call.now,
        "currency": transfer["currency"],
        "destination_payment_refund": new_id("pyr"),
        "metadata": objects.new_metadata(call.params),
        "source_refund": None,
        "transfer": transfer["id"],
    }


def _taken_back(call: Call, transfer: JsonObject, amount: int) -> None:
    previous = {"amount_reversed": transfer["amount_reversed"], "reversed": transfer["reversed"]}
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    count = transfer["reversals"]["total_count"] + 1
    latest = call.store.bodies("latest_reversals", transfer=transfer["id"])
    transfer["reversals"] |= {"data": latest, "has_more": count > len(latest), "total_count": count}
    call.store.replace(transfer)
    events.tell(call, "transfer.reversed", transfer, previous)


def retrieve(call: Call) -> JsonObject:
    """`GET /v1/transfers/{id}/reversals/{child_id}`."""
    call.require_path_object("transfer")
    reversal = call.store.get("transfer_reversal", call.path_child_id)
    if reversal is None or reversal["transfer"] != call.path_id:
        raise path_not_found("transfer_reversal", call.path_child_id)
    return reversal


def list_page(call: Call) -> JsonObject:
    """`GET /v1/transfers/{id}/reversals`."""
    call.require_path_object("transfer")
    of_transfer = replace(call, params=call.params | {"transfer": call.path_id})
    return lister("transfer_reversal", f"/v1/transfers/{call.path_id}/reversals", ("transfer",))(of_transfer)
