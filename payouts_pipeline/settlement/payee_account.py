"""What Stripe says of a payee's connected account, asked by a call that only reads."""

from typing import Any

from payouts_pipeline.settlement.stripe_answers import NotStripes, account_of
from payouts_pipeline.settlement.stripe_client import StripeClient


def can_receive(stripe: StripeClient, account_id: str) -> bool:
    """Whether Stripe says that transfers to the account are active; a refusal or no answer says nothing.

    Source: docs.stripe.com/connect/account-capabilities.
    """
    return stripe.look(lambda services: _has_transfers(services.accounts.retrieve(account_id), account_id)) is True


def _has_transfers(account: Any, account_id: str) -> bool:
    if account_of(account) != account_id:
        raise NotStripes
    return getattr(account.capabilities, "transfers", None) == "active"
