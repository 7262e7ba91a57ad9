"""What becomes of an instruction that Stripe refused, and when it is tried again: by the code of the refusal.

Codes: docs.stripe.com/error-codes and docs.stripe.com/declines/codes. What they mean to people is in `reasons`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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


# The card's bank could not answer.
BANK_IS_BUSY = frozenset({"processing_error", "try_again_later", "issuer_not_available", "reenter_transaction"})

# Nothing is wrong with the instruction; the same can succeed within hours.
FOR_NOW = frozenset({"balance_insufficient", "rate_limit", "lock_timeout"}) | BANK_IS_BUSY

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
OTHER_DECLINES = frozenset(
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

# The customer has no default at Stripe, and `league` names none.
NO_CARD = "missing_payment_method"

# Under a minimum of Stripe's that we do not know; it is carried over to what is due next (rule of money 6).
TOO_SMALL = "amount_too_small"

# The payee's account lacks the capability; it shows nowhere but at Stripe when it has it.
NO_TRANSFERS = "insufficient_capabilities_for_transfer"

# Any number of these is no sign that something is wrong with all of what is sent.
EVERYDAY = FOR_NOW | CARD_CODES | OTHER_DECLINES | {TOO_SMALL, NO_CARD}


def judge(refusal: Refusal, tries_without_funds: int, *, is_default_card: bool = False) -> Verdict:
    """What becomes of an instruction that was refused; any code that is not listed above is a refusal for good.

    ``tries_without_funds``: how often the card was refused for now, this time included; what was turned away for our
    own fault does not use up its tries. ``is_default_card``: `league` names no card, so that another one shows nowhere
    but at Stripe.
    """
    if refusal.code in FOR_NOW:
        return Verdict(Status.WAITING, refusal.retry_after or WAIT)
    if refusal.code in OUR_FAULT:
        return Verdict(Status.WAITING, WAIT if refusal.is_stored else WAIT_FOR_US)
    verdict = _another_day(tries_without_funds) if refusal.code in CARD_CODES else Verdict(Status.REJECTED)
    is_of_card = refusal.code in CARD_CODES | OTHER_DECLINES
    return looked_at_again(verdict) if refusal.code == NO_CARD or (is_default_card and is_of_card) else verdict


def looked_at_again(verdict: Verdict) -> Verdict:
    """The same, looked at every day, whatever it waits for, in case that the customer has another card at Stripe."""
    is_soon = verdict.retry_after is not None and verdict.retry_after < LOOK_AGAIN
    return verdict if is_soon else replace(verdict, retry_after=LOOK_AGAIN)


def _another_day(times: int) -> Verdict:
    if times > len(CARD_RETRIES):
        return Verdict(Status.REJECTED, details={"times": times})
    retry_after = CARD_RETRIES[times - 1]
    return Verdict(Status.WAITING, retry_after, {"retry_days": retry_after.days})
