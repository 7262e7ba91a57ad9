"""What becomes of an instruction that Stripe refused, and when it is tried again: by the code of the refusal.

Codes: docs.stripe.com/error-codes and docs.stripe.com/declines/codes. What they mean to people is in `reasons`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from payouts_pipeline.domain.instructions import Status

WAIT = timedelta(hours=1)
WAIT_FOR_US = timedelta(minutes=1)

# A customer without a payment method is looked at again this often: a new default at Stripe shows nowhere else.
LOOK_AGAIN = timedelta(days=1)

# A card without funds is tried again this long after the first, second and third refusal, then no more.
CARD_RETRIES = (timedelta(days=1), timedelta(days=3), timedelta(days=5))


@dataclass(frozen=True)
class Refusal:
    """Stripe's definite no to one call: that call moved nothing.

    ``code`` is the decline code of a card, else the error's code. ``is_stored``: it is Stripe's answer to the key, so
    that every call under the key came to the same; not so where the call was turned away unseen (401, 403, 429).
    ``was_found``: not the answer to a call but what Stripe, asked later, says has become of the attempt.
    ``repeat_at_once``: turned away unseen, and wanted again within seconds. ``permission``: what our key lacks for it.
    """

    code: str
    request_id: str | None = None
    retry_after: timedelta | None = None
    is_stored: bool = True
    repeat_at_once: bool = False
    was_found: bool = False
    permission: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What becomes of a refused instruction: `waiting` for ``retry_after``, or `rejected`; with details of why.

    One that is rejected and has a ``retry_after`` is tried again then, in case that something has changed at Stripe.
    """

    status: Status
    retry_after: timedelta | None = None
    details: Mapping[str, int] = field(default_factory=dict)


# Nothing is wrong with the instruction; the same can succeed within hours.
FOR_NOW = frozenset(
    {
        "balance_insufficient",
        "rate_limit",
        "lock_timeout",
        "processing_error",
        "try_again_later",
        "issuer_not_available",
        "reenter_transaction",
    }
)

# Our key is wrong for the call, which Stripe therefore did not look at.
OUR_KEY = frozenset(
    {
        "invalid_api_key",
        "insufficient_permissions",
        "api_key_expired",
        "platform_api_key_expired",
        "secret_key_required",
        "livemode_mismatch",
        "more_permissions_required",
    }
)

# Our own account may not do it, or what we asked for is wrong in itself: no card, customer or payee is to blame.
OUR_ACCOUNT = frozenset(
    {
        "our_account_invalid",
        "testmode_charges_only",
        "transfers_not_allowed",
        "platform_account_required",
        "payment_method_unactivated",
        "sepa_unsupported_account",
        "invalid_request",
        "parameter_unknown",
        "parameters_exclusive",
        "tls_version_unsupported",
    }
)

# Ours to fix, and retried automatically.
OUR_FAULT = OUR_KEY | OUR_ACCOUNT

# The card may have funds on another day.
CARD_CODES = frozenset(
    {
        "insufficient_funds",
        "card_velocity_exceeded",
        "withdrawal_count_limit_exceeded",
        "generic_decline",
        "do_not_honor",
    }
)

# The other reasons for which a bank or Stripe declines one card (docs.stripe.com/declines/codes).
_OTHER_DECLINES = frozenset(
    {
        "approve_with_id",
        "authentication_not_handled",
        "authentication_required",
        "call_issuer",
        "card_declined",
        "card_error",
        "card_not_supported",
        "currency_not_supported",
        "do_not_try_again",
        "duplicate_transaction",
        "expired_card",
        "fraudulent",
        "incorrect_address",
        "incorrect_cvc",
        "incorrect_number",
        "incorrect_pin",
        "incorrect_zip",
        "invalid_account",
        "invalid_amount",
        "invalid_cvc",
        "invalid_expiry_month",
        "invalid_expiry_year",
        "invalid_number",
        "invalid_pin",
        "lost_card",
        "merchant_blacklist",
        "missing_payment_method",
        "new_account_information_available",
        "no_action_taken",
        "not_permitted",
        "offline_pin_required",
        "online_or_offline_pin_required",
        "payment_intent_payment_attempt_failed",
        "pickup_card",
        "pin_try_exceeded",
        "restricted_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "security_violation",
        "service_not_allowed",
        "stolen_card",
        "stop_payment_order",
        "transaction_not_allowed",
    }
)

# Under a minimum of Stripe's that we do not know; it is carried over to what is due next (rule of money 6).
TOO_SMALL = "amount_too_small"

# Any number of these is no sign that something is wrong with all of what is sent.
EVERYDAY = FOR_NOW | CARD_CODES | _OTHER_DECLINES | {TOO_SMALL}


def judge(refusal: Refusal, card_refusals: int) -> Verdict:
    """What becomes of an instruction that was refused; any code that is not listed above is a refusal for good.

    ``card_refusals``: how often a card was refused for it for now, this time included; what was turned away for our own
    fault does not use up its tries.
    """
    if refusal.code in FOR_NOW:
        return Verdict(Status.WAITING, refusal.retry_after or WAIT)
    if refusal.code in OUR_FAULT:
        return Verdict(Status.WAITING, WAIT if refusal.is_stored else WAIT_FOR_US)
    if refusal.code in CARD_CODES:
        return _another_day(card_refusals)
    return Verdict(Status.REJECTED, LOOK_AGAIN if refusal.code == "missing_payment_method" else None)


def _another_day(times: int) -> Verdict:
    if times > len(CARD_RETRIES):
        return Verdict(Status.REJECTED, details={"times": times})
    retry_after = CARD_RETRIES[times - 1]
    return Verdict(Status.WAITING, retry_after, {"retry_days": retry_after.days})
