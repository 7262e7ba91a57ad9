"""Transfers: from the platform's available balance to a connected account."""

from payouts_pipeline.local.stripe_emulator import balance, events, objects
from payouts_pipeline.local.stripe_emulator.accounts import check_can_receive
from payouts_pipeline.local.stripe_emulator.answers import StripeRefusalError
from payouts_pipeline.local.stripe_emulator.balance_transactions import Movement
from payouts_pipeline.local.stripe_emulator.call import Call
from payouts_pipeline.local.stripe_emulator.currencies import check_step, known_currency
from payouts_pipeline.local.stripe_emulator.forms import (
    Param,
    Spec,
    metadata,
    one_of,
    optional_text,
    positive_integer,
    text,
    texts,
)
from payouts_pipeline.local.stripe_emulator.platform_account import check_can_transfer
from payouts_pipeline.local.stripe_emulator.store import JsonObject

CREATE: Spec = {
    "amount": Param(positive_integer, required=True),
    "currency": Param(text, required=True),
    "destination": Param(text, required=True),
    "description": Param(text),
    "metadata": Param(metadata),
    "source_transaction": Param(text),
    "source_type": Param(one_of("card")),
    "transfer_group": Param(text),
    "expand": Param(texts),
}
UPDATE: Spec = {"description": Param(optional_text), "metadata": Param(metadata), "expand": Param(texts)}


def create(call: Call) -> JsonObject:
    """`POST /v1/transfers`: moves the money, or refuses and has written nothing."""
    check_can_transfer(call)
    amount, currency = call.params["amount"], known_currency(call.params["currency"])
    check_step(amount, currency)
    check_can_receive(call, call.params["destination"])
    transfer = objects.transfer(call, currency)
    movement = Movement(
        type="transfer",
        amount=-amount,
        currency=currency,
        source=transfer["id"],
        available_on=_funded_on(call, transfer),
        description=transfer["description"],
    )
    transfer["balance_transaction"] = balance.book(call, movement)["id"]
    # Filed under the charge as its source, so that what is left of the charge can be told.
    call.store.insert(transfer, source=transfer["source_transaction"])
    call.journal("transfer", transfer)
    events.tell(call, "transfer.created", transfer)
    return transfer


def update(call: Call) -> JsonObject:
    """`POST /v1/transfers/{id}`: its description and metadata."""
    transfer = call.require_path_object("transfer")
    previous = objects.described_anew(call, transfer)
    if "description" in call.params:
        previous["description"], transfer["description"] = transfer["description"], call.params["description"]
    call.store.replace(transfer)
    events.tell(call, "transfer.updated", transfer, previous)
    return transfer


def _funded_on(call: Call, transfer: JsonObject) -> int:
    """When the money is there: now, from the balance, or once the charge that pays for it is available."""
    if call.forced_shortage:
        raise balance.shortage()
    if transfer["source_transaction"]:
        return _funded_by_charge(call, transfer)
    if balance.available(call, transfer["currency"]) < transfer["amount"]:
        raise balance.shortage()
    return call.now


def _funded_by_charge(call: Call, transfer: JsonObject) -> int:
    charge = call.require("charge", transfer["source_transaction"], "source_transaction")
    row = call.store.row("transferred_from_source", source=charge["id"])
    already = int(row[0]) if row else 0
    if already + transfer["amount"] > charge["amount_captured"]:
        raise StripeRefusalError(
            "Transfers using this transaction as a source must not exceed the source amount of "
            f"{charge['amount_captured']} {charge['currency']}. (Earlier transfers using this source amount "
            f"to {already} {charge['currency']}.)",
            param="amount",
        )
    if "transfer_group" not in call.params and charge["transfer_group"]:
        transfer["transfer_group"] = charge["transfer_group"]
    return balance.available_on(call, charge)
