"""Connected accounts: who can be paid."""

from payouts_pipeline.local.stripe_emulator import events, objects, platform_account
from payouts_pipeline.local.stripe_emulator.answers import StripeRefusalError, no_access, no_access_to_destination
from payouts_pipeline.local.stripe_emulator.call import Call, new_id
from payouts_pipeline.local.stripe_emulator.forms import (
    Param,
    Spec,
    free_hash,
    metadata,
    one_of,
    optional_text,
    text,
    texts,
)
from payouts_pipeline.local.stripe_emulator.store import JsonObject

CREATE: Spec = {
    "type": Param(one_of("custom", "express", "standard")),
    "country": Param(text),
    "email": Param(optional_text),
    "metadata": Param(metadata),
    "capabilities": Param(free_hash),
    "expand": Param(texts),
}
RETRIEVE: Spec = {"expand": Param(texts)}


def create(call: Call) -> JsonObject:
    """`POST /v1/accounts`: an account that can receive at once."""
    account = objects.account(new_id("acct"), call.now, call.params)
    call.store.insert(account)
    return account


def retrieve(call: Call) -> JsonObject:
    """`GET /v1/accounts/{id}`: our own, or a connected one; 403 for one that is unknown, deleted or closed.

    Stripe refuses a test account to a live key with a 400 of type `api_error`, in words of its own.
    """
    if call.path_id == call.platform.id:
        return platform_account.retrieve(call)
    account = call.store.get("account", call.path_id)
    if call.livemode and account is None and call.other_mode_with("account", call.path_id):
        raise StripeRefusalError(
            f"The account {call.path_id} was a test account created with a testmode key, and therefore can only "
            "be used with testmode keys.",
            error_type="api_error",
        )
    if account is None or account.get("deleted") or _is_closed(call, call.path_id):
        raise no_access(call.masked_key, call.path_id)
    return account


def delete(call: Call) -> JsonObject:
    """`DELETE /v1/accounts/{id}`: what is left says no more than that it was deleted."""
    retrieve(call)
    gone = objects.deleted("account", call.path_id)
    call.store.replace(gone)
    return gone


def check_can_receive(call: Call, account_id: str) -> None:
    """Refuse a destination that is unknown or deleted, closed, or without the capability to receive transfers.

    An account that Stripe has rejected has no capability any more, so it is refused like one that never had it
    (https://docs.stripe.com/connect/account-capabilities).
    """
    account = call.require("account", account_id, "destination", "destination")
    if _is_closed(call, account_id):
        raise no_access_to_destination(call.masked_key, account_id)
    if account["capabilities"]["transfers"] != "active":
        raise StripeRefusalError(
            "Your destination account needs to have at least one of the following capabilities enabled: "
            "transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
            param="destination",
        )


def check_acting(call: Call) -> None:
    """Refuse to act for an account that is not ours, or not any more."""
    if call.account is None:
        return
    account = call.store.get("account", call.account)
    if account is None or account.get("deleted") or _is_closed(call, call.account):
        raise no_access(call.masked_key, call.account)


def holdings(call: Call, account_id: str) -> list[tuple[str, bool, int]]:
    """Return what a connected account has at Stripe: currency, whether it is available, and minor units."""
    rows = call.store.rows("connected_balance", account=account_id, now=call.now)
    return [(currency, bool(is_available), amount) for currency, is_available, amount in rows]


def change(call: Call, account: JsonObject, **fields: object) -> None:
    """Have an account say something else, and tell it as an event of that account."""
    previous = {name: account[name] for name in fields if account[name] != fields[name]}
    if previous:
        account |= fields
        call.store.replace(account)
        events.tell(call, "account.updated", account, previous, account["id"])


def _is_closed(call: Call, account_id: str) -> bool:
    return call.store.row("is_closed_account", id=account_id) is not None
