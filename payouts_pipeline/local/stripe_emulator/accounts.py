"""Connected accounts: who can be paid."""

from payouts_pipeline.local.stripe_emulator import objects
from payouts_pipeline.local.stripe_emulator.answers import StripeRefusalError, not_found
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
    """`GET /v1/accounts/{id}`: 403 for one that is unknown or closed, as Stripe answers."""
    account = call.store.get("account", call.path_id)
    if account is None or _is_closed(call, call.path_id):
        raise _no_access(call.path_id)
    return account


def check_can_receive(call: Call, account_id: str) -> None:
    """Refuse a destination that is unknown, closed, or without the capability to receive transfers."""
    account = call.store.get("account", account_id)
    if account is None:
        raise not_found("destination", account_id, "destination")
    if _is_closed(call, account_id):
        raise _no_access(account_id)
    if account["capabilities"]["transfers"] != "active":
        raise StripeRefusalError(
            "Your destination account needs to have at least one of the following capabilities enabled: "
            "transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
            param="destination",
        )


def _is_closed(call: Call, account_id: str) -> bool:
    return call.store.row("is_closed_account", id=account_id) is not None


def _no_access(account_id: str) -> StripeRefusalError:
    return StripeRefusalError(
        f"The provided key does not have access to account '{account_id}' (or that account does not exist). "
        "Application access may have been revoked.",
        status=403,
        code="account_invalid",
    )
