"""The part of Stripe's API that there is: method, path, known parameters, and what it does."""

from dataclasses import dataclass

from payouts_pipeline.local.stripe_emulator import accounts, balance, charges, customers, transfers
from payouts_pipeline.local.stripe_emulator.forms import Param, Spec, text
from payouts_pipeline.local.stripe_emulator.listing import PAGE, Handler, lister, retriever


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation; `params` are all that it knows."""

    method: str
    path: str
    params: Spec
    handler: Handler


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
    Endpoint("GET", "/v1/customers/{id}", customers.RETRIEVE, retriever("customer")),
    Endpoint("POST", "/v1/customers/{id}", customers.UPDATE, customers.update),
    Endpoint("POST", "/v1/customers", customers.CREATE, customers.create),
    Endpoint("POST", "/v1/payment_methods", customers.METHOD_CREATE, customers.create_method),
    Endpoint("GET", "/v1/payment_methods/{id}", customers.RETRIEVE, customers.retrieve_method),
    Endpoint("POST", "/v1/payment_methods/{id}/attach", customers.METHOD_ATTACH, customers.attach_method),
    Endpoint("POST", "/v1/accounts", accounts.CREATE, accounts.create),
    Endpoint("GET", "/v1/accounts/{id}", accounts.RETRIEVE, accounts.retrieve),
    Endpoint("GET", "/v1/balance", balance.RETRIEVE, balance.retrieve),
    _list("balance_transaction", "/v1/balance_transactions", "source", "type", "currency"),
    Endpoint("GET", "/v1/balance_transactions/{id}", balance.RETRIEVE, retriever("balance_transaction")),
    _list("charge", "/v1/charges", "customer", "payment_intent", "transfer_group"),
    Endpoint("GET", "/v1/charges/{id}", balance.RETRIEVE, retriever("charge")),
)
