"""The part of Stripe's API that there is: method, path, known parameters, and what it does."""

from dataclasses import dataclass

from payouts_pipeline.local.stripe_emulator import accounts, balance, charges, customers, platform_account, transfers
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
    "payment_intents": "rak_payment_intent",
    "payment_methods": "rak_payment_method",
    "transfers": "rak_transfer",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation; `params` are all that it knows."""

    method: str
    path: str
    params: Spec
    handler: Handler

    @property
    def permission(self) -> str:
        """What a restricted key needs for it, in Stripe's name: by resource, to read or to write."""
        resource = PERMISSIONS[self.path.split("/")[2]]
        return f"{resource}_{'read' if self.method == 'GET' else 'write'}"


def _list(kind: str, path: str, *filters: str) -> Endpoint:
    known: Spec = {**PAGE, **{name: Param(text) for name in filters}}
    return Endpoint("GET", path, known, lister(kind, path, filters))


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
    Endpoint("GET", "/v1/balance", balance.RETRIEVE, balance.retrieve),
    _list("balance_transaction", "/v1/balance_transactions", "source", "type", "currency"),
    Endpoint("GET", "/v1/balance_transactions/{id}", balance.RETRIEVE, retriever("balance_transaction")),
    _list("charge", "/v1/charges", "customer", "payment_intent", "transfer_group"),
    Endpoint("GET", "/v1/charges/{id}", balance.RETRIEVE, retriever("charge")),
)
