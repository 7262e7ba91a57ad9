"""What Stripe says of our own account and of our key, asked by calls that only read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from payouts_pipeline.domain.refusals import Refusal
from payouts_pipeline.settlement.stripe_answers import Indeterminate, account_of, of_page
from payouts_pipeline.settlement.stripe_client import KINDS, StripeClient
from payouts_pipeline.settlement.stripe_journal import StripeBalance, balance_of

# No customer has it, and none is seen by asking for it: a key that may read customers is told that there is none.
_NOBODY = "cus_payouts_doctor"


@dataclass(frozen=True)
class OwnAccount:
    """Our account, as far as Stripe shows it; what it does not show is None. ``dated`` is Stripe's time of the answer.

    Source: docs.stripe.com/api/accounts/object.
    """

    id: str
    is_activated: bool | None
    charges_enabled: bool | None
    payouts_enabled: bool | None
    disabled_reason: str | None
    capabilities: Mapping[str, str]
    payout_interval: str | None
    api_version: str | None
    dated: datetime | None


def own_account(client: StripeClient) -> OwnAccount | Refusal | Indeterminate:
    """The account of the key."""
    return client.look(lambda services: _own_account(services.accounts.retrieve_current()))


def permissions(client: StripeClient) -> Iterator[tuple[str, str, Refusal | Indeterminate | None]]:
    """Each call that a night makes and that moves nothing, what it is for, and why it is not answered, if it is not.

    What only writes (charges, transfers, cancelled payment intents) can't be tried without moving money.
    """
    for kind in KINDS:
        yield f"list {kind}s", "look for what has moved", _refused(client, _first_page(kind))
    yield "retrieve a customer", "find a player's default payment method", _refused(client, _nobody)


def permissions_to_follow(client: StripeClient) -> Iterator[tuple[str, str, Refusal | Indeterminate | None]]:
    """The same of the calls that bring in what has happened: a night is paid without them."""
    for kind, purpose in (
        ("balance_transactions", "bring in what moved the account"),
        ("events", "hear of news"),
        ("payouts", "see whether what payees were paid reaches their banks"),
    ):
        yield f"list {kind}", purpose, _refused(client, partial(_first_of, kind))


def balances(client: StripeClient) -> list[StripeBalance] | Refusal | Indeterminate:
    """What stands on our account in each currency in which it has a balance. Source: docs.stripe.com/api/balance."""
    return client.look(lambda services: balance_of(services.balance.retrieve()))


def _own_account(account: Any) -> OwnAccount:
    headers = {name.lower(): value for name, value in account.last_response.headers.items()}
    return OwnAccount(
        id=account_of(account),
        is_activated=_at(account, "details_submitted"),
        charges_enabled=_at(account, "charges_enabled"),
        payouts_enabled=_at(account, "payouts_enabled"),
        disabled_reason=_at(account, "requirements", "disabled_reason"),
        capabilities=_capabilities(account),
        payout_interval=_at(account, "settings", "payouts", "schedule", "interval"),
        api_version=headers.get("stripe-version"),
        dated=_date(headers.get("date")),
    )


def _capabilities(account: Any) -> dict[str, str]:
    shown = _at(account, "capabilities")
    return {name: str(state) for name, state in shown.to_dict().items()} if shown else {}


def _at(thing: Any, *path: str) -> Any:
    for name in path:
        thing = getattr(thing, name, None)
    return thing


def _date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text) if text else None
    except ValueError:
        return None


def _first_page(kind: str) -> Callable[[Any], Any]:
    return lambda services: of_page(getattr(services, f"{kind}s").list({"limit": 1}), kind)


def _first_of(kind: str, services: Any) -> Any:
    return getattr(services, kind).list({"limit": 1})


def _nobody(services: Any) -> Any:
    return services.customers.retrieve(_NOBODY)


def _refused(client: StripeClient, call: Callable[[Any], Any]) -> Refusal | Indeterminate | None:
    """That there is no such customer is an answer, too."""
    answer = client.look(call)
    if isinstance(answer, Refusal) and answer.code == "resource_missing":
        return None
    return answer if isinstance(answer, Refusal | Indeterminate) else None
