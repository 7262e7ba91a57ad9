"""Why an instruction stands where it stands, and why a fee is held out: codes, and the one table of their sentences.

The ledger keeps a code and its details, as Stripe keeps ``failure_code`` beside ``failure_message``, and whatever
decides anything decides on the code. The sentence is made here, when somebody is shown it; what gets rid of the cause
is its `Remedy`, from which `reports.next_action` makes the next step.

Refusals have the code that Stripe gave them (docs.stripe.com/error-codes, docs.stripe.com/declines/codes). The
sentences are ours, since Stripe's may name accounts and cards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from payouts_pipeline.domain.billing import SUBJECT_OF, BillingSubject, BillingType
from payouts_pipeline.domain.currencies import format_minor


class ReasonCode(StrEnum):
    """The reasons that are ours; every other code is Stripe's."""

    # On the way to the provider.
    NOT_PUBLISHED = "not_published"
    NOT_TAKEN = "not_taken"
    BEING_SENT = "being_sent"
    # Held back.
    ON_HOLD = "on_hold"
    APPROVAL_REQUIRED = "approval_required"
    NO_STRIPE_ID = "no_stripe_id"
    HOLD_LIFTED = "hold_lifted"
    APPROVED = "approved"
    # Cancelled.
    REPLACED = "replaced"
    CANCELLED = "cancelled"
    # Nobody knows whether the money moved.
    WORKER_LOST = "worker_lost"
    HELD_UP = "held_up"
    TAKEN_OVER = "taken_over"
    KEY_MAY_BE_FORGOTTEN = "key_may_be_forgotten"
    ON_HOLD_AND_NOT_FOUND = "on_hold_and_not_found"
    NO_ANSWER = "no_answer"
    KEY_IN_USE = "key_in_use"
    BANK_PROCESSING = "bank_processing"
    PROVIDER_ERROR = "provider_error"
    TURNED_AWAY = "turned_away"
    NOT_TO_BE_ASKED = "not_to_be_asked"


class Remedy(StrEnum):
    """What must change before an instruction can go on; `TIME` where the next try or run is enough."""

    LIFT_HOLD = "lift_hold"
    APPROVE = "approve"
    ENTER_STRIPE_ID = "enter_stripe_id"
    CHANGE_AMOUNT = "change_amount"
    REPLACE_CARD_OR_ACCOUNT = "replace_card_or_account"
    FIX_OUR_KEY = "fix_our_key"
    TOP_UP_BALANCE = "top_up_balance"
    TIME = "time"


@dataclass(frozen=True)
class Reason:
    """A reason as the ledger keeps it; ``details`` are plain JSON: a person's words, a limit in minor units."""

    code: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Meaning:
    """A sentence, in which ``{…}`` stands for a detail of the reason or for whose instruction it is."""

    sentence: str
    remedy: Remedy = Remedy.TIME


_UNKNOWN = "; it is not known whether the money moved, and Stripe is asked again automatically"

_OURS: Mapping[str, _Meaning] = {
    ReasonCode.NOT_PUBLISHED: _Meaning("waits to be published"),
    ReasonCode.NOT_TAKEN: _Meaning("waits for a worker"),
    ReasonCode.BEING_SENT: _Meaning("is being sent to Stripe"),
    ReasonCode.ON_HOLD: _Meaning("on hold: {reason}", Remedy.LIFT_HOLD),
    ReasonCode.APPROVAL_REQUIRED: _Meaning("above {limit}: waits for approval", Remedy.APPROVE),
    ReasonCode.NO_STRIPE_ID: _Meaning("the {subject} has no Stripe {identity}", Remedy.ENTER_STRIPE_ID),
    ReasonCode.HOLD_LIFTED: _Meaning("the hold was lifted: {reason}"),
    ReasonCode.APPROVED: _Meaning("approved: {reason}"),
    ReasonCode.REPLACED: _Meaning("replaced: a correction changed what is owed"),
    ReasonCode.CANCELLED: _Meaning("cancelled: {reason}"),
    ReasonCode.WORKER_LOST: _Meaning(f"the worker that was sending it stopped{_UNKNOWN}"),
    ReasonCode.HELD_UP: _Meaning(f"the worker was held up before it could ask Stripe{_UNKNOWN}"),
    ReasonCode.TAKEN_OVER: _Meaning(f"another worker took it over{_UNKNOWN}"),
    ReasonCode.KEY_MAY_BE_FORGOTTEN: _Meaning(
        f"it was sent a moment ago under a key that Stripe may have forgotten{_UNKNOWN}"
    ),
    ReasonCode.ON_HOLD_AND_NOT_FOUND: _Meaning(
        f"the payee is on hold, so Stripe was only asked, and has no record of it yet{_UNKNOWN}"
    ),
    ReasonCode.NO_ANSWER: _Meaning(f"Stripe did not answer{_UNKNOWN}"),
    ReasonCode.KEY_IN_USE: _Meaning(f"the idempotency key is in use at Stripe{_UNKNOWN}"),
    ReasonCode.BANK_PROCESSING: _Meaning(f"the bank is still processing the payment{_UNKNOWN}"),
    ReasonCode.PROVIDER_ERROR: _Meaning(f"Stripe answered with an error of its own ({{http_status}}){_UNKNOWN}"),
    ReasonCode.TURNED_AWAY: _Meaning(f"Stripe turned the repeated call away ({{code}}){_UNKNOWN}"),
    ReasonCode.NOT_TO_BE_ASKED: _Meaning(f"Stripe could not be asked about it ({{code}}){_UNKNOWN}"),
}

# Refusals after which the same instruction can succeed, without anybody doing anything, or once we have.
_FOR_NOW = {
    "balance_insufficient": _Meaning("our balance at Stripe does not cover it yet", Remedy.TOP_UP_BALANCE),
    "rate_limit": _Meaning("Stripe's rate limit was reached"),
    "lock_timeout": _Meaning("Stripe was busy with the same account"),
    "processing_error": _Meaning("the card could not be processed for now"),
    "try_again_later": _Meaning("the card's bank asks to try later"),
    "issuer_not_available": _Meaning("the card's bank could not be reached"),
    "reenter_transaction": _Meaning("the card's bank could not process it for now"),
    "invalid_api_key": _Meaning("Stripe refused our API key: see STRIPE_API_KEY", Remedy.FIX_OUR_KEY),
    "insufficient_permissions": _Meaning(
        "our API key may not do this at Stripe: see its permissions", Remedy.FIX_OUR_KEY
    ),
}

_NEEDS_CARD = "the player needs another card"

_CARD = {
    "insufficient_funds": "the card does not have enough funds",
    "card_velocity_exceeded": "the card is over its limit",
    "withdrawal_count_limit_exceeded": "the card is over its limit",
    "generic_decline": "the card was declined without a reason",
    "do_not_honor": "the card was declined without a reason",
}

_FOR_GOOD = {
    "authentication_required": "the payer must authenticate: ask for the card to be confirmed again",
    "expired_card": f"the card has expired: {_NEEDS_CARD}",
    "stolen_card": f"the card was reported stolen: {_NEEDS_CARD}",
    "lost_card": f"the card was reported lost: {_NEEDS_CARD}",
    "pickup_card": f"the card can't be used any more: {_NEEDS_CARD}",
    "incorrect_number": f"the card's number is wrong: {_NEEDS_CARD}",
    "invalid_account": f"the card's account is not valid: {_NEEDS_CARD}",
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
}

_AMOUNT = {
    "amount_too_small": _Meaning("the amount is under Stripe's minimum", Remedy.CHANGE_AMOUNT),
    "amount_too_large": _Meaning("the amount is above Stripe's maximum", Remedy.CHANGE_AMOUNT),
}

_MEANINGS: Mapping[str, _Meaning] = {
    **_OURS,
    **_FOR_NOW,
    **_AMOUNT,
    **{code: _Meaning(text, Remedy.REPLACE_CARD_OR_ACCOUNT) for code, text in _FOR_GOOD.items()},
}


def remedy_of(code: str | None, *, is_waiting: bool = False) -> Remedy:
    """What must change before an instruction with this reason goes on.

    ``is_waiting``: it has a time for its next try; a card without funds then needs nothing else.
    """
    if code in _CARD:
        return Remedy.TIME if is_waiting else Remedy.REPLACE_CARD_OR_ACCOUNT
    meaning = _MEANINGS.get(code or ReasonCode.NOT_PUBLISHED)
    return meaning.remedy if meaning else Remedy.REPLACE_CARD_OR_ACCOUNT


def sentence(reason: Reason, billing_type: str, currency: str) -> str:
    """The reason as people read it, of an instruction of this billing type and currency."""
    if reason.code in _CARD:
        return _of_card(reason)
    meaning = _MEANINGS.get(reason.code)
    if meaning is None:
        return f"Stripe refused it for good ({reason.code})"
    return meaning.sentence.format_map({**_shown(reason, currency), **_whose(billing_type)})


def _of_card(reason: Reason) -> str:
    """A card that was declined for now is tried again after days, until its tries are used up."""
    days, times = reason.details.get("retry_days"), reason.details.get("times")
    if days:
        return f"{_CARD[reason.code]}; it is tried again after {'a day' if days == 1 else f'{days} days'}"
    return f"{_CARD[reason.code]}, {times} times: {_NEEDS_CARD}"


def _shown(reason: Reason, currency: str) -> dict[str, Any]:
    details = dict(reason.details)
    if "limit_minor" in details:
        details["limit"] = format_minor(int(details["limit_minor"]), currency)
    return details


def _whose(billing_type: str) -> dict[str, str]:
    subject = SUBJECT_OF[BillingType(billing_type)]
    return {"subject": subject, "identity": "customer" if subject == BillingSubject.PLAYER else "account"}


class HeldOutCode(StrEnum):
    """Why a fee can't be split, and is charged to nobody."""

    NO_TERMS = "no_terms"
    TWO_TERMS = "two_terms"
    TERMS_INCOMPLETE = "terms_incomplete"
    UNKNOWN_CURRENCY = "unknown_currency"
    FEE_NEGATIVE = "fee_negative"
    FEE_TOO_LARGE = "fee_too_large"
    NOT_IN_STEPS = "not_in_steps"
    FIXED_ABOVE_FEE = "fixed_above_fee"
    BPS_NOT_WHOLE = "bps_not_whole"
    SHARE_UNKNOWN_SUBJECT = "share_unknown_subject"
    SHARE_WITHOUT_PARTNER = "share_without_partner"
    SHARE_NOT_A_NUMBER = "share_not_a_number"
    SHARE_NEGATIVE = "share_negative"
    NO_ORGANISER = "no_organiser"
    NO_CLUB = "no_club"
    PLAYER_TWICE = "player_twice"
    ROW_TWICE = "row_twice"
    ROW_WITHOUT_ID = "row_without_id"
    NO_PLAYER = "no_player"


HELD_OUT: Mapping[str, str] = {
    HeldOutCode.NO_TERMS: "the competition has no terms for this day",
    HeldOutCode.TWO_TERMS: "the competition has two terms for one date",
    HeldOutCode.TERMS_INCOMPLETE: "the terms name no currency or no fee",
    HeldOutCode.UNKNOWN_CURRENCY: "the currency is not one that Stripe knows",
    HeldOutCode.FEE_NEGATIVE: "the fee is negative",
    HeldOutCode.FEE_TOO_LARGE: "the fee is above the largest amount that Stripe takes",
    HeldOutCode.NOT_IN_STEPS: "an amount is not a multiple of the smallest step that Stripe takes for the currency",
    HeldOutCode.FIXED_ABOVE_FEE: "the fixed shares are above the fee",
    HeldOutCode.BPS_NOT_WHOLE: "the shares do not add up to 10,000 basis points",
    HeldOutCode.SHARE_UNKNOWN_SUBJECT: "a share names a subject other than club, organiser, partner and platform",
    HeldOutCode.SHARE_WITHOUT_PARTNER: "a partner's share names no partner",
    HeldOutCode.SHARE_NOT_A_NUMBER: "a share is not a whole number",
    HeldOutCode.SHARE_NEGATIVE: "a share is negative",
    HeldOutCode.NO_ORGANISER: "the competition has no organiser",
    HeldOutCode.NO_CLUB: "the player played for no club",
    HeldOutCode.PLAYER_TWICE: "the line-up names the player twice",
    HeldOutCode.ROW_TWICE: "two rows of the line-up have the same id",
    HeldOutCode.ROW_WITHOUT_ID: "the row of the line-up has no id",
    HeldOutCode.NO_PLAYER: "the line-up names no player",
}


class OpenCode(StrEnum):
    """Why money of a day is on no instruction yet."""

    BELOW_MINIMUM_CHARGE = "below_minimum_charge"
    CREDIT = "credit"
    FEE_NOT_COLLECTED = "fee_not_collected"
    BELOW_MINIMUM_PAYOUT = "below_minimum_payout"
    TAKEN_BACK = "taken_back"


OPEN: Mapping[str, str] = {
    OpenCode.BELOW_MINIMUM_CHARGE: "under the minimum charge, or waits for a correction to be settled: goes out with "
    "the next charge",
    OpenCode.CREDIT: "a credit: the next charge is lower by it",
    OpenCode.FEE_NOT_COLLECTED: "waits until the fee is collected",
    OpenCode.BELOW_MINIMUM_PAYOUT: "under the minimum payout, or a correction is not collected yet: goes out with the "
    "next payout",
    OpenCode.TAKEN_BACK: "a correction took it back: the next payouts are lower by it",
}
