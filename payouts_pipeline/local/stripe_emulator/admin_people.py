"""Operations of the admin API on who exists: accounts of ours and keys, connected accounts, customers."""

from payouts_pipeline.local.stripe_emulator import accounts, objects
from payouts_pipeline.local.stripe_emulator.admin_request import AdminRequest, BadAdminRequestError
from payouts_pipeline.local.stripe_emulator.methods import TEST_METHODS, payment_method
from payouts_pipeline.local.stripe_emulator.seeds import (
    AccountBehaviour,
    AccountSeed,
    AccountSeeds,
    CustomerSeed,
    CustomerSeeds,
    KeySeeds,
    PlatformSeeds,
)
from payouts_pipeline.local.stripe_emulator.store import JsonObject

# What the seed of a connected account decides.
SEEDED = ("capabilities", "charges_enabled", "country", "payouts_enabled", "requirements")


def put_platforms(request: AdminRequest) -> JsonObject:
    """`POST /platforms`: create accounts of ours, or change what they are allowed."""
    seeds = request.parsed(PlatformSeeds).platforms
    for seed in seeds:
        request.dispatcher.platforms.put(seed)
    return {"platforms": len(seeds)}


def put_keys(request: AdminRequest) -> JsonObject:
    """`POST /keys`: give accounts of ours API keys, or change what the keys may do."""
    seeds = request.parsed(KeySeeds).keys
    for seed in seeds:
        request.dispatcher.platforms.put_key(seed)
    return {"keys": len(seeds)}


def put_accounts(request: AdminRequest) -> JsonObject:
    """`POST /accounts`: create connected accounts under chosen ids, or change how they behave."""
    seeds = request.parsed(AccountSeeds).accounts
    for seed in seeds:
        _put_account(request, _account(request, seed))
        closed = seed.behaviour is AccountBehaviour.CLOSED
        request.store.run("close_account" if closed else "open_account", id=seed.id)
    return {"accounts": len(seeds)}


def _put_account(request: AdminRequest, account: JsonObject) -> None:
    known = request.store.get("account", account["id"])
    if known is None or known.get("deleted") or account.get("deleted"):
        request.upsert(account)
    else:
        accounts.change(request.call(), known, **{name: account[name] for name in SEEDED})


def _account(request: AdminRequest, seed: AccountSeed) -> JsonObject:
    disabled = seed.behaviour in (AccountBehaviour.NO_TRANSFERS, AccountBehaviour.REJECTED)
    account = objects.account(
        seed.id, request.now, {"country": seed.country}, transfers="inactive" if disabled else "active"
    )
    if seed.behaviour is AccountBehaviour.REJECTED:
        account |= {"charges_enabled": False, "payouts_enabled": False}
        account["requirements"]["disabled_reason"] = "rejected.other"
    if seed.behaviour is AccountBehaviour.DELETED:
        account = objects.deleted("account", seed.id)
    return account


def put_customers(request: AdminRequest) -> JsonObject:
    """`POST /customers`: create customers under chosen ids, or change their default payment method."""
    seeds = request.parsed(CustomerSeeds).customers
    for seed in seeds:
        request.upsert(_customer(request, seed))
    return {"customers": len(seeds)}


def _customer(request: AdminRequest, seed: CustomerSeed) -> JsonObject:
    if seed.is_deleted:
        return objects.deleted("customer", seed.id)
    known = request.store.get("customer", seed.id)
    if known is None or known.get("deleted"):
        known = objects.customer(seed.id, request.now, {}, livemode=request.books.livemode)
    known["invoice_settings"]["default_payment_method"] = _seeded(request, seed, seed.default_payment_method)
    known["default_source"] = _seeded(request, seed, seed.default_source)
    return known


def _seeded(request: AdminRequest, seed: CustomerSeed, method_id: str | None) -> str | None:
    if method_id is None or method_id in TEST_METHODS:
        return method_id
    if seed.card not in TEST_METHODS:
        raise BadAdminRequestError(
            f"Payment method {method_id!r} is no test payment method: `card` must name the one it is made from."
        )
    request.upsert(payment_method(method_id, seed.card, request.now, seed.id, livemode=request.books.livemode))
    return method_id
