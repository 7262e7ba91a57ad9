"""What each definite refusal of Stripe means for an instruction: the one table of it.

Codes: docs.stripe.com/error-codes and docs.stripe.com/declines/codes. The sentences are ours, since Stripe's may
name accounts and cards.
"""

from dataclasses import dataclass
from datetime import timedelta

from payouts_pipeline.domain.instructions import Status

WAIT = timedelta(hours=1)
WAIT_FOR_US = timedelta(minutes=1)

# A card without funds is tried again this long after the first, second and third refusal, then no more.
CARD_RETRIES = (timedelta(days=1), timedelta(days=3), timedelta(days=5))


@dataclass(frozen=True)
class Refusal:
    """Stripe's definite no to one call: that call moved nothing.

    ``code`` is the decline code of a card, else the error's code. ``is_stored``: it is Stripe's answer to the key, so
    that every call under the key came to the same; not so where the call was turned away unseen (401, 403, 429).
    ``repeat_at_once``: turned away unseen, and wanted again within seconds.
    """

    code: str
    request_id: str | None = None
    retry_after: timedelta | None = None
    is_stored: bool = True
    repeat_at_once: bool = False


@dataclass(frozen=True)
class Verdict:
    """What becomes of a refused instruction: `waiting` for ``retry_after``, or `rejected`."""

    status: Status
    reason: str
    retry_after: timedelta | None = None


# Nothing is wrong with the instruction; the same can succeed within hours.
_FOR_NOW = {
    "balance_insufficient": "our balance at Stripe does not cover it yet",
    "rate_limit": "Stripe's rate limit was reached",
    "lock_timeout": "Stripe was busy with the same account",
    "processing_error": "the card could not be processed for now",
    "try_again_later": "the card's bank asks to try later",
    "issuer_not_available": "the card's bank could not be reached",
    "reenter_transaction": "the card's bank could not process it for now",
}

# Ours to mend, and tried again soon after.
_OUR_FAULT = {
    "invalid_api_key": "Stripe refused our API key: see STRIPE_API_KEY",
    "insufficient_permissions": "our API key may not do this at Stripe: see its permissions",
}

# The card may have funds on another day.
_ANOTHER_DAY = {
    "insufficient_funds": "the card has not enough funds",
    "card_velocity_exceeded": "the card is over its limit",
    "withdrawal_count_limit_exceeded": "the card is over its limit",
    "generic_decline": "the card was declined without a reason",
    "do_not_honor": "the card was declined without a reason",
}
CARD_CODES = tuple(_ANOTHER_DAY)

_FOR_GOOD = {
    "authentication_required": "the payer must authenticate: ask for the card to be confirmed again",
    "expired_card": "the card has expired: the player needs a new one",
    "stolen_card": "the card was reported stolen: the player needs another",
    "lost_card": "the card was reported lost: the player needs another",
    "pickup_card": "the card can't be used any more: the player needs another",
    "incorrect_number": "the card's number is wrong: the player needs another",
    "invalid_account": "the card's account is not valid: the player needs another",
    "payment_intent_payment_attempt_failed": "the payment method failed: the player needs another",
    "payment_method_not_available": "the payment method is not available: the player needs another",
    "missing_payment_method": "the player has no payment method at Stripe",
    "parameter_missing": "the player has no payment method at Stripe",
    "resource_missing": "Stripe does not know the customer, payment method or account that we have on file",
    "account_invalid": "Stripe does not know the account, or we have no access to it",
    "account_closed": "the account at Stripe is closed",
    "insufficient_capabilities_for_transfer": "the account at Stripe can't receive transfers yet",
    "transfers_not_allowed": "the account at Stripe can't receive transfers",
    "no_account": "the account at Stripe can't receive transfers",
    "amount_too_small": "the amount is under Stripe's minimum",
    "amount_too_large": "the amount is above Stripe's maximum",
}


def judge(refusal: Refusal, card_refusals: int) -> Verdict:
    """What becomes of an instruction that was refused.

    ``card_refusals``: how often a card was refused for it for now, this time included; what was turned away for our own
    fault does not use up its tries.
    """
    if refusal.code in _FOR_NOW:
        return Verdict(Status.WAITING, _FOR_NOW[refusal.code], refusal.retry_after or WAIT)
    if refusal.code in _OUR_FAULT:
        return Verdict(Status.WAITING, _OUR_FAULT[refusal.code], WAIT_FOR_US)
    if refusal.code in _ANOTHER_DAY:
        return _another_day(_ANOTHER_DAY[refusal.code], card_refusals)
    reason = _FOR_GOOD.get(refusal.code, f"Stripe refused it for good ({refusal.code})")
    return Verdict(Status.REJECTED, reason)


def _another_day(reason: str, times: int) -> Verdict:
    if times > len(CARD_RETRIES):
        return Verdict(Status.REJECTED, f"{reason}, {times} times: the player needs another")
    retry_after = CARD_RETRIES[times - 1]
    return Verdict(Status.WAITING, f"{reason}; it is tried again after {_days(retry_after.days)}", retry_after)


def _days(count: int) -> str:
    return "a day" if count == 1 else f"{count} days"
