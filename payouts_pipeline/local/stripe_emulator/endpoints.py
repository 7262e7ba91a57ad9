"""The part of Stripe's API that there is: method, path, known parameters, and what it does."""

from dataclasses import dataclass

from payouts_pipeline.local.stripe_emulator import (
    accounts,
    balance,
    balance_transactions,
    charges,
    customers,
    disputes,
    events,
    platform_account,
    refunds,
    reversals,
    transfers,
)
from payouts_pipeline.local.stripe_emulator.forms import Param, Spec, text
from payouts_pipeline.local.stripe_emulator.listing import PAGE, Handler, lister, retriever

# Stripe names these permissions in its refusals only; those of accounts and balance are as users report them.
PERMISSIONS = {
    "account": "rak_accounts_kyc_basic",
    "accounts": "rak_accounts_kyc_basic",
    "balance": "rak_balance",
    "balance_transactions": "rak_balance_transaction_source",
    "charges": "rak_charge",
    "customers": "rak_customer",
    "disputes": "rak_dispute",
    "events": "rak_event",
    "payment_intents": "rak_payment_intent",
    "payment_methods": "rak_payment_method",
    "payouts": "rak_payout",
    # The permission for charges is one for their refunds as well.
    "refunds": "rak_charge",
    "topups": "rak_topup",
    "transfers": "rak_transfer",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation; `params` are all that it knows. Few can be asked for a connected account (`Stripe-Account`)."""

    method: str
    path: str
    params: Spec
    handler: Handler
    is_for_accounts: bool = False

    @property
    def permission(self) -> str:
        """What a restricted key needs for it, in Stripe's name: by resource, to read or to write."""
        resource = PERMISSIONS[self.path.split("/")[2]]
        return f"{resource}_{'read' if self.method == 'GET' else 'write'}"


def _filtered(*filters: str) -> Spec:
    return {**PAGE, **{name: Param(text) for name in filters}}


def _list(kind: str, path: str, *filters: str, is_for_accounts: bool = False) -> Endpoint:
    return Endpoint("GET", path, _filtered(*filters), lister(kind, path, filters), is_for_accounts)


# Most used first, because the router tries them in this order.
ENDPOINTS = (
    Endpoint("POST", "/v1/payment_intents", charges.CREATE, charges.create),
    _list("payment_intent", "/v1/payment_intents", "customer"),
    Endpoint("POST", "/v1/transfers", transfers.CREATE, transfers.create),
    _list("transfer", "/v1/transfers", "destination", "transfer_group"),
    Endpoint("GET", "/v1/payment_intents/{id}", charges.RETRIEVE, retriever("payment_intent")),
    Endpoint("GET", "/v1/transfers/{id}", balance.RETRIEVE, retriever("transfer")),
    Endpoint("POST", "/v1/payment_intents/{id}/confirm", charges.CONFIRM, charges.confirm),
    Endpoint("POST", "/v1/payment_intents/{id}/cancel", charges.CANCEL, charges.cancel),
    Endpoint("GET", "/v1/customers/{id}", customers.RETRIEVE, retriever("customer")),
    Endpoint("POST", "/v1/customers/{id}", customers.UPDATE, customers.update),
    Endpoint("DELETE", "/v1/customers/{id}", customers.RETRIEVE, customers.delete),
    Endpoint("POST", "/v1/customers", customers.CREATE, customers.create),
    Endpoint("POST", "/v1/payment_methods", customers.METHOD_CREATE, customers.create_method),
    Endpoint("GET", "/v1/payment_methods/{id}", customers.RETRIEVE, customers.retrieve_method),
    Endpoint("POST", "/v1/payment_methods/{id}/attach", customers.METHOD_ATTACH, customers.attach_method),
    Endpoint("GET", "/v1/account", accounts.RETRIEVE, platform_account.retrieve),
    Endpoint("POST", "/v1/accounts", accounts.CREATE, accounts.create),
    Endpoint("GET", "/v1/accounts/{id}", accounts.RETRIEVE, accounts.retrieve),
    Endpoint("DELETE", "/v1/accounts/{id}", accounts.RETRIEVE, accounts.delete),
    Endpoint("GET", "/v1/balance", balance.RETRIEVE, balance.retrieve, is_for_accounts=True),
    Endpoint(
        "GET",
        "/v1/balance_transactions",
        _filtered(*balance_transactions.FILTERS),
        balance_transactions.list_page,
    ),
    Endpoint("GET", "/v1/balance_transactions/{id}", balance.RETRIEVE, retriever("balance_transaction")),
    _list("charge", "/v1/charges", "customer", "payment_intent", "transfer_group"),
    Endpoint("GET", "/v1/charges/{id}", balance.RETRIEVE, retriever("charge")),
    Endpoint("GET", "/v1/events", events.LIST, events.list_page, is_for_accounts=True),
    Endpoint("GET", "/v1/events/{id}", balance.RETRIEVE, events.retrieve, is_for_accounts=True),
    Endpoint("POST", "/v1/refunds", refunds.CREATE, refunds.create),
    _list("refund", "/v1/refunds", "charge", "payment_intent"),
    Endpoint("GET", "/v1/refunds/{id}", balance.RETRIEVE, retriever("refund")),
    Endpoint("POST", "/v1/refunds/{id}", refunds.UPDATE, refunds.update),
    Endpoint("POST", "/v1/transfers/{id}", transfers.UPDATE, transfers.update),
    Endpoint("POST", "/v1/transfers/{id}/reversals", reversals.CREATE, reversals.create),
    Endpoint("GET", "/v1/transfers/{id}/reversals", PAGE, reversals.list_page),
    Endpoint("GET", "/v1/transfers/{id}/reversals/{child_id}", balance.RETRIEVE, reversals.retrieve),
    _list("dispute", "/v1/disputes", "charge", "payment_intent"),
    Endpoint("GET", "/v1/disputes/{id}", balance.RETRIEVE, retriever("dispute")),
    Endpoint("POST", "/v1/disputes/{id}/close", balance.RETRIEVE, disputes.close),
    _list("payout", "/v1/payouts", "destination", "status", is_for_accounts=True),
    Endpoint("GET", "/v1/payouts/{id}", balance.RETRIEVE, retriever("payout"), is_for_accounts=True),
    _list("topup", "/v1/topups", "status"),
    Endpoint("GET", "/v1/topups/{id}", balance.RETRIEVE, retriever("topup")),
)
