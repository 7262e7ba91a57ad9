"""Our own account: what `GET /v1/account` says of it, and what it may do."""

from payouts_pipeline.local.stripe_emulator.answers import StripeRefusalError
from payouts_pipeline.local.stripe_emulator.call import Call
from payouts_pipeline.local.stripe_emulator.store import JsonObject


def retrieve(call: Call) -> JsonObject:
    """`GET /v1/account`: the account of the key, the same in both modes; it has no `livemode`.

    Source: https://docs.stripe.com/api/accounts/object.
    """
    platform = call.platform
    return {
        "id": platform.id,
        "object": "account",
        "business_profile": {"mcc": None, "name": None, "support_email": None, "url": None},
        "business_type": "company",
        "capabilities": {"card_payments": platform.card_payments, "transfers": platform.transfers},
        "charges_enabled": platform.charges_enabled and platform.is_activated,
        "country": platform.country,
        "default_currency": platform.default_currency,
        "details_submitted": platform.is_activated,
        "email": "platform@example.com",
        "metadata": {},
        "payouts_enabled": platform.payouts_enabled and platform.is_activated,
        "requirements": {"currently_due": [], "disabled_reason": platform.disabled_reason, "past_due": []},
        "settings": {
            "dashboard": {"display_name": "Emulated platform", "timezone": "Etc/UTC"},
            "payments": {"statement_descriptor": "EMULATED PLATFORM"},
            "payouts": {
                "debit_negative_balances": True,
                "schedule": _schedule(call),
                "statement_descriptor": None,
            },
        },
        "type": "standard",
    }


def _schedule(call: Call) -> JsonObject:
    interval = call.platform.payout_interval
    anchors: dict[str, JsonObject] = {"weekly": {"weekly_anchor": "monday"}, "monthly": {"monthly_anchor": 1}}
    return {"delay_days": 2, "interval": interval, **anchors.get(interval, {})}


def check_can_charge(call: Call) -> None:
    """Refuse charges of an account that has not been activated, or that Stripe has restricted.

    Source: https://docs.stripe.com/error-codes (`testmode_charges_only`); a restricted account is answered
    without a code, see https://github.com/opencollective/opencollective/issues/5997.
    """
    platform = call.platform
    if call.livemode and not platform.is_activated:
        raise _no_charges("testmode_charges_only", "live charges")
    if not platform.charges_enabled:
        raise _no_charges(None, "live charges" if call.livemode else "charges")


def _no_charges(code: str | None, what: str) -> StripeRefusalError:
    return StripeRefusalError(
        f"Your account cannot currently make {what}. The `requirements.disabled_reason` property on the account "
        "will provide information about why this account is currently disabled. If you are a customer trying to "
        "make a purchase, please contact the owner of this site. Your transaction has not been processed.",
        code=code,
    )


def check_can_transfer(call: Call) -> None:
    """Refuse transfers of an account that may not make any (https://docs.stripe.com/error-codes)."""
    if call.platform.transfers != "active":
        message = "The requested transfer cannot be created. Contact us if you are receiving this error."
        raise StripeRefusalError(message, code="transfers_not_allowed")
