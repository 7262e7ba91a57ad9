"""What Stripe says of a payee's connected account, asked by calls that only read."""

from datetime import UTC, datetime
from typing import Any

from payouts_pipeline.domain.banks import PAYOUTS_DISABLED, BankFailure, BankPayout, failures
from payouts_pipeline.domain.refusals import Refusal
from payouts_pipeline.settlement.stripe_answers import Indeterminate, NotStripes, account_of
from payouts_pipeline.settlement.stripe_client import StripeClient

# Of each account the newest of its payouts: the last that has come to its end is among them.
_PAYOUTS = 20


def can_receive(stripe: StripeClient, account_id: str) -> bool:
    """Whether Stripe says that transfers to the account are active; a refusal or no answer says nothing.

    Source: docs.stripe.com/connect/account-capabilities.
    """
    return stripe.look(lambda services: _has_transfers(_retrieved(services, account_id))) is True


def bank_failures(stripe: StripeClient, account_id: str) -> list[BankFailure] | Refusal | Indeterminate:
    """Where payouts of the account do not reach its bank; two calls, and nothing is said unless both are answered.

    What happens on a connected account is not among the events of ours, so its payouts are listed on its behalf
    (docs.stripe.com/connect/authentication). A payout that fails need not close the account for payouts, and one that
    is closed for them has none that could fail.
    """
    disabled = stripe.look(lambda services: _disabled(_retrieved(services, account_id)))
    if not isinstance(disabled, list):
        return disabled
    failed = stripe.look(lambda services: failures(_payouts(services, account_id)))
    return [*disabled, *failed] if isinstance(failed, list) else failed


def _retrieved(services: Any, account_id: str) -> Any:
    account = services.accounts.retrieve(account_id)
    if account_of(account) != account_id:
        raise NotStripes
    return account


def _has_transfers(account: Any) -> bool:
    return getattr(account.capabilities, "transfers", None) == "active"


def _disabled(account: Any) -> list[BankFailure]:
    """Of an account that says so; what it leaves out says nothing."""
    if account.payouts_enabled is not False:
        return []
    reason = getattr(getattr(account, "requirements", None), "disabled_reason", None)
    return [BankFailure("", PAYOUTS_DISABLED, datetime.now(UTC), {"disabled_reason": reason or "no reason given"})]


def _payouts(services: Any, account_id: str) -> list[BankPayout]:
    page = services.payouts.list({"limit": _PAYOUTS}, {"stripe_account": account_id})
    is_list = page.object == "list" and type(page.has_more) is bool and bool(page.last_response.request_id)
    if not is_list or any(each.object != "payout" for each in page.data):
        raise NotStripes
    return [_payout(each) for each in page.data]


def _payout(found: Any) -> BankPayout:
    created_at = datetime.fromtimestamp(found.created, UTC)
    amount_minor, currency = int(found.amount), found.currency.upper()
    return BankPayout(found.id, currency, amount_minor, found.status, found.failure_code, created_at)
