"""Why an instruction stands where it stands, and why a fee is held out: codes, and the one table of their sentences.

The ledger keeps a code and its details, as Stripe keeps ``failure_code`` beside ``failure_message``, and whatever
decides anything decides on the code. The sentence is made here, when somebody is shown it; what gets rid of the cause
is its `Remedy`, from which `reports.next_action` makes the next step.

Refusals have the code that Stripe gave them (docs.stripe.com/error-codes, docs.stripe.com/declines/codes). The
sentences are ours, since Stripe's may name accounts and cards.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from payouts_pipeline.domain.billing import RETURN_TYPES, WHOSE, BillingSubject, BillingType
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.domain.refusals import NO_TRANSFERS, TOO_SMALL


class ReasonCode(StrEnum):
    """The reasons that are ours; every other code is Stripe's."""

    # On the way to the provider.
    NOT_PUBLISHED = "not_published"
    NOT_TAKEN = "not_taken"
    BEING_SENT = "being_sent"
    # Our balance at Stripe does not cover it, so that it was not sent.
    FUNDS_PENDING = "funds_pending"
    NO_BALANCE_IN_CURRENCY = "no_balance_in_currency"
    # Held back.
    ON_HOLD = "on_hold"
    APPROVAL_REQUIRED = "approval_required"
    NO_STRIPE_ID = "no_stripe_id"
    BALANCE_NOT_UNDERSTOOD = "balance_not_understood"
    HOLD_LIFTED = "hold_lifted"
    APPROVED = "approved"
    RETRIED = "retried"
    CAN_RECEIVE = "can_receive"
    # Cancelled.
    REPLACED = "replaced"
    CARRIED_OVER = "carried_over"
    JOINED = "joined"
    CANCELLED = "cancelled"
    BEING_CANCELLED = "being_cancelled"
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
    NOT_STRIPES_ANSWER = "not_stripes_answer"
    MOVEMENT_DIFFERS = "movement_differs"
    EARLIER_MAY_BE_PAID = "earlier_may_be_paid"
    CANCELLED_TOO_SOON = "cancelled_too_soon"
    JUDGED_OTHERWISE = "judged_otherwise"
    MOVEMENT_TAKEN = "movement_taken"
    MOVEMENT_LOST = "movement_lost"
    # The same card, for whichever instruction.
    CARD_LIMIT = "card_limit"
    # Known by now: nothing moved.
    NEVER_REACHED_STRIPE = "never_reached_stripe"


class Remedy(StrEnum):
    """What must change before an instruction can go on; `TIME` where the next try or run is enough."""

    LIFT_HOLD = "lift_hold"
    APPROVE = "approve"
    ENTER_STRIPE_ID = "enter_stripe_id"
    CHANGE_AMOUNT = "change_amount"
    REPLACE_CARD_OR_ACCOUNT = "replace_card_or_account"
    FINISH_ACCOUNT = "finish_account"
    FIX_OUR_KEY = "fix_our_key"
    FIX_OUR_ACCOUNT = "fix_our_account"
    TOP_UP_BALANCE = "top_up_balance"
    KEEP_BALANCE_IN_CURRENCY = "keep_balance_in_currency"
    JUDGE_MOVEMENT = "judge_movement"
    MATCH_MOVEMENT = "match_movement"
    RECONCILE_BALANCE = "reconcile_balance"
    CANCEL_RETURN = "cancel_return"
    TIME = "time"


@dataclass(frozen=True)
class Reason:
    """A reason as the ledger keeps it; ``details`` are plain JSON: a person's words, a limit in minor units."""

    code: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, str]:
        """As the two columns of the ledger, the details as the text of a jsonb."""
        return {"reason_code": self.code, "reason_details": json.dumps(self.details)}


@dataclass(frozen=True)
class _Meaning:
    """A sentence, in which ``{…}`` stands for a detail of the reason or for whose instruction it is."""

    sentence: str
    remedy: Remedy = Remedy.TIME


_OURS: Mapping[str, _Meaning] = {
    ReasonCode.NOT_PUBLISHED: _Meaning("waits to be published"),
    ReasonCode.NOT_TAKEN: _Meaning("waits for a worker"),
    ReasonCode.BEING_SENT: _Meaning("is being sent to Stripe"),
    ReasonCode.FUNDS_PENDING: _Meaning(
        "our balance at Stripe does not cover it yet, so that it was not sent", Remedy.TOP_UP_BALANCE
    ),
    ReasonCode.NO_BALANCE_IN_CURRENCY: _Meaning(
        "our account at Stripe has no balance in this currency, so that it was not sent: Stripe converts what is "
        "charged in it",
        Remedy.KEEP_BALANCE_IN_CURRENCY,
    ),
    ReasonCode.ON_HOLD: _Meaning("on hold: {reason}", Remedy.LIFT_HOLD),
    ReasonCode.APPROVAL_REQUIRED: _Meaning("above {limit}: waits for approval", Remedy.APPROVE),
    ReasonCode.NO_STRIPE_ID: _Meaning("the {subject} has no Stripe {identity}", Remedy.ENTER_STRIPE_ID),
    ReasonCode.BALANCE_NOT_UNDERSTOOD: _Meaning(
        "our balance at Stripe differs from the ledger's in this currency", Remedy.RECONCILE_BALANCE
    ),
    ReasonCode.HOLD_LIFTED: _Meaning("the hold was lifted: {reason}"),
    ReasonCode.APPROVED: _Meaning("approved: {reason}"),
    ReasonCode.RETRIED: _Meaning("is tried again: {reason}"),
    ReasonCode.CAN_RECEIVE: _Meaning("is tried again: Stripe says that the account can receive transfers by now"),
    ReasonCode.REPLACED: _Meaning("replaced: a correction changed what is owed"),
    ReasonCode.CARRIED_OVER: _Meaning("carried over: Stripe takes no amount as small as this one"),
    ReasonCode.JOINED: _Meaning("joined: a later charge asks for it together with newer fees"),
    ReasonCode.CARD_LIMIT: _Meaning(
        "the card was declined {times} times in 30 days, and card schemes allow no more", Remedy.REPLACE_CARD_OR_ACCOUNT
    ),
    ReasonCode.CANCELLED: _Meaning("cancelled: {reason}"),
    ReasonCode.BEING_CANCELLED: _Meaning("is being cancelled: Stripe is asked first whether it was paid meanwhile"),
    ReasonCode.NEVER_REACHED_STRIPE: _Meaning("the last attempt never reached Stripe: it is sent anew"),
    ReasonCode.MOVEMENT_DIFFERS: _Meaning(
        "Stripe has moved {moved} for it ({reference}), which is not what it asks for", Remedy.JUDGE_MOVEMENT
    ),
    ReasonCode.JUDGED_OTHERWISE: _Meaning(
        "{reference}, which a person has named, is not a payment of this amount at Stripe; it is not known whether the "
        "money moved",
        Remedy.JUDGE_MOVEMENT,
    ),
    ReasonCode.MOVEMENT_TAKEN: _Meaning(
        "Stripe shows {reference} for it, by which another instruction is settled", Remedy.JUDGE_MOVEMENT
    ),
    ReasonCode.MOVEMENT_LOST: _Meaning(
        "Stripe has moved {moved} for the same payee ({reference}, of {lost_day}), of which this ledger knows no "
        "instruction since it was restored",
        Remedy.MATCH_MOVEMENT,
    ),
}

# What has happened before nobody knew any more whether the money moved.
_UNKNOWN: Mapping[str, str] = {
    ReasonCode.WORKER_LOST: "the worker that was sending it stopped",
    ReasonCode.HELD_UP: "the worker was held up before it could ask Stripe",
    ReasonCode.TAKEN_OVER: "another worker took it over",
    ReasonCode.KEY_MAY_BE_FORGOTTEN: "it was sent a moment ago under a key that Stripe may have forgotten",
    ReasonCode.ON_HOLD_AND_NOT_FOUND: "the payee is on hold, so Stripe was only asked, and has no record of it yet",
    ReasonCode.NO_ANSWER: "Stripe did not answer",
    ReasonCode.KEY_IN_USE: "the idempotency key is in use at Stripe",
    ReasonCode.BANK_PROCESSING: "the bank is still processing the payment",
    ReasonCode.PROVIDER_ERROR: "Stripe answered with an error of its own ({http_status})",
    ReasonCode.TURNED_AWAY: "Stripe turned the repeated call away ({code})",
    ReasonCode.NOT_TO_BE_ASKED: "Stripe could not be asked about it ({code})",
    ReasonCode.CANCELLED_TOO_SOON: "it is to be cancelled, and was sent a moment ago",
    ReasonCode.EARLIER_MAY_BE_PAID: "an earlier payment of it may still be paid: Stripe did not cancel it ({code})",
    ReasonCode.NOT_STRIPES_ANSWER: "an answer came that is not Stripe's (HTTP status {http_status})",
}
# Stripe could not say what became of it, which is not to say that nothing did.
SILENCE = frozenset(
    {ReasonCode.NO_ANSWER, ReasonCode.PROVIDER_ERROR, ReasonCode.NOT_TO_BE_ASKED, ReasonCode.NOT_STRIPES_ANSWER}
)
_ASKED_AGAIN = "it is not known whether the money moved, and Stripe is asked again automatically"

# Refusals after which the same instruction can succeed, without anybody doing anything, or once we have.
_FOR_NOW = {
    "balance_insufficient": _Meaning("our balance at Stripe does not cover it yet", Remedy.TOP_UP_BALANCE),
    "rate_limit": _Meaning("Stripe's rate limit was reached"),
    "lock_timeout": _Meaning("Stripe was busy with the same account"),
    "processing_error": _Meaning("the card could not be processed for now"),
    "try_again_later": _Meaning("the card's bank asks to try later"),
    "issuer_not_available": _Meaning("the card's bank could not be reached"),
    "reenter_transaction": _Meaning("the card's bank could not process it for now"),
}

# About us, and nothing that a player or payee could change.
_OUR_KEY = {
    "invalid_api_key": "Stripe refused our API key: see STRIPE_API_KEY",
    "insufficient_permissions": "our API key may not do this at Stripe: see its permissions",
    "more_permissions_required": "our API key lacks a permission at Stripe: see its permissions",
    "api_key_expired": "our API key has expired",
    "platform_api_key_expired": "the API key of our platform account has expired",
    "secret_key_required": "our API key is not a secret key",
    "livemode_mismatch": "our API key is of the other mode (test or live) than what we have on file",
}
_OUR_ACCOUNT = {
    "our_account_invalid": "our own account at Stripe is closed, or our API key has no access to it",
    "testmode_charges_only": "our own account at Stripe is not activated and can only make test charges",
    "transfers_not_allowed": "our own account at Stripe may not make transfers",
    "platform_account_required": "our own account at Stripe is not a Connect platform",
    "payment_method_unactivated": "our own account at Stripe has not activated this kind of payment method",
    "sepa_unsupported_account": "our own account at Stripe does not support SEPA payments",
    "invalid_request": "Stripe gave no code, which it does where our own account is restricted or our request is wrong",
    "parameter_unknown": "our request has a parameter that Stripe does not know",
    "parameters_exclusive": "our request has parameters that Stripe does not take together",
    "tls_version_unsupported": "our connection to Stripe is encrypted in a way that Stripe no longer takes",
}

_NEEDS_CARD = "the player needs another card"


class ReturnCode(StrEnum):
    """Why something was not given back; codes of ours, where Stripe has none."""

    NOT_LEFT = "not_left"
    CAME_BACK = "refund_came_back"


# Of refunds and reversals, where a code means something else than of charges and payouts.
_OF_RETURNS: Mapping[str, _Meaning] = {
    ReturnCode.NOT_LEFT: _Meaning(
        "Stripe refused to give it back: less is left of it there, or nothing", Remedy.CANCEL_RETURN
    ),
    ReturnCode.CAME_BACK: _Meaning("the refund was made and came back: the bank did not take it", Remedy.CANCEL_RETURN),
    "charge_already_refunded": _Meaning("all of the charge was given back already", Remedy.CANCEL_RETURN),
    "charge_disputed": _Meaning("the charge is disputed: Stripe gives nothing back meanwhile", Remedy.CANCEL_RETURN),
    "resource_missing": _Meaning("Stripe does not know what is to be given back", Remedy.CANCEL_RETURN),
    ReasonCode.CANCELLED: _Meaning("cancelled, nothing was given back: {reason}"),
}
_OF_REVERSALS: Mapping[str, _Meaning] = {
    "balance_insufficient": _Meaning("the payee's balance at Stripe does not cover it"),
}

# Stripe is asked about the account until it can (`workflow.payee_accounts`).
_FINISH_ACCOUNT = {NO_TRANSFERS: "the account at Stripe can't receive transfers yet"}

# A card that may work on another day, until its tries are used up.
_CARD = {
    "insufficient_funds": "the card does not have enough funds",
    "card_velocity_exceeded": "the card is over its limit",
    "withdrawal_count_limit_exceeded": "the card is over its limit of payments",
    "generic_decline": "the card was declined without a reason",
    "do_not_honor": "the card's bank declined it without a reason",
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
    "customer_deleted": "the player's customer was deleted at Stripe: the player needs another",
    "parameter_missing": "the player has no payment method that Stripe could charge",
    "resource_missing": "Stripe does not know the customer, payment method or account that we have on file",
    "account_invalid": "Stripe does not know the account that is to be paid, or we have no access to it",
    "account_closed": "the account at Stripe is closed",
    "debit_not_authorized": "the player's bank says that the debit was not authorised: the player needs another means",
    "payment_canceled": "the payment was cancelled at Stripe",
    "no_account": "the account at Stripe could not be found",
}

_AMOUNT = {
    "amount_too_large": "the amount is above Stripe's maximum",
}


# Refused, and nobody has to do anything: it goes out once there is more (`ledger.instructions`).
_TOO_SMALL = {TOO_SMALL: _Meaning("the amount is under Stripe's minimum: it goes out with what is due next")}


class OpenCode(StrEnum):
    """Why money of a day is on no instruction yet."""

    BELOW_MINIMUM_CHARGE = "below_minimum_charge"
    CREDIT = "credit"
    FEE_NOT_COLLECTED = "fee_not_collected"
    BELOW_MINIMUM_PAYOUT = "below_minimum_payout"
    TAKEN_BACK = "taken_back"
    RETURNED = "returned"


_OPEN = {
    OpenCode.BELOW_MINIMUM_CHARGE: "under the minimum charge, or waits for a correction to be settled: goes out with "
    "the next charge",
    OpenCode.CREDIT: "a credit: the next charge is lower by it",
    OpenCode.FEE_NOT_COLLECTED: "waits until the fee is collected",
    OpenCode.BELOW_MINIMUM_PAYOUT: "under the minimum payout, or a correction is not collected yet: goes out with the "
    "next payout",
    OpenCode.TAKEN_BACK: "a correction took it back: the next payouts are lower by it",
    OpenCode.RETURNED: "Stripe took it back (a refund, a dispute or a reversal): it waits until 'payouts unhold' says "
    "that it is moved again",
}

_MEANINGS: Mapping[str, _Meaning] = {
    **_OURS,
    **{code: _Meaning(f"{what}; {_ASKED_AGAIN}") for code, what in _UNKNOWN.items()},
    **_FOR_NOW,
    **{code: _Meaning(what, Remedy.FIX_OUR_KEY) for code, what in _OUR_KEY.items()},
    **{code: _Meaning(what, Remedy.FIX_OUR_ACCOUNT) for code, what in _OUR_ACCOUNT.items()},
    **{code: _Meaning(f"{what}; it is tried again after {{wait}}") for code, what in _CARD.items()},
    **{code: _Meaning(what, Remedy.REPLACE_CARD_OR_ACCOUNT) for code, what in _FOR_GOOD.items()},
    **{code: _Meaning(what, Remedy.FINISH_ACCOUNT) for code, what in _FINISH_ACCOUNT.items()},
    **_TOO_SMALL,
    **{code: _Meaning(what, Remedy.CHANGE_AMOUNT) for code, what in _AMOUNT.items()},
    **{code: _Meaning(what) for code, what in _OPEN.items()},
}
_NEVER_HEARD_OF = _Meaning("Stripe refused it for good ({reason_code})", Remedy.REPLACE_CARD_OR_ACCOUNT)


def sentence(code: str, details: Mapping[str, Any], billing_type: str, currency: str) -> str:
    """The reason as people read it, of an instruction of this billing type and currency."""
    shown = {**details, "reason_code": code, **_whose(billing_type)}
    if "limit_minor" in shown:
        shown["limit"] = format_minor(int(shown["limit_minor"]), currency)
    if "moved_minor" in shown:
        shown["moved"] = format_minor(int(shown["moved_minor"]), str(shown["moved_currency"]))
    if "retry_days" in shown:
        shown["wait"] = "a day" if shown["retry_days"] == 1 else f"{shown['retry_days']} days"
    return _meaning_of(code, details, billing_type).sentence.format_map(shown)


def refusal_sentence(code: str) -> str:
    """What a code of Stripe's means, of whichever instruction."""
    return _meaning_of(code, {}).sentence.format_map({"reason_code": code})


def remedy_of(code: str | None, details: Mapping[str, Any], billing_type: str | None = None) -> Remedy:
    """What must change before an instruction with this reason goes on; time where it has none."""
    return _meaning_of(code, details, billing_type).remedy if code else Remedy.TIME


def why_no_answer(code: str, details: Mapping[str, Any]) -> str:
    """Why Stripe gave no answer, of a call that moves no money."""
    return _UNKNOWN[code].format_map(details)


def _meaning_of(code: str, details: Mapping[str, Any], billing_type: str | None = None) -> _Meaning:
    """A card that was declined once too often is not tried again: it has no ``retry_days``, but the ``times``."""
    if billing_type in RETURN_TYPES and code in _OF_RETURNS:
        return _OF_RETURNS[code]
    if billing_type == BillingType.PAYOUT_REVERSAL and code in _OF_REVERSALS:
        return _OF_REVERSALS[code]
    if code in _CARD and "times" in details:
        return _Meaning(f"{_CARD[code]}, {{times}} times: {_NEEDS_CARD}", Remedy.REPLACE_CARD_OR_ACCOUNT)
    return _MEANINGS.get(code, _NEVER_HEARD_OF)


def _whose(billing_type: str) -> dict[str, str]:
    subject = WHOSE[BillingType(billing_type)]
    return {"subject": subject, "identity": "customer" if subject == BillingSubject.PLAYER else "account"}


@dataclass(frozen=True, kw_only=True)
class WithReason:
    """Instructions as a query reads them: what they are, where they stand, and why; no reason once they are settled."""

    billing_type: str
    currency: str
    status: str
    reason_code: str | None
    reason_details: Mapping[str, Any]

    @property
    def reason(self) -> str | None:
        """The sentence of it."""
        code, details = self.reason_code, self.reason_details
        return sentence(code, details, self.billing_type, self.currency) if code else None


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
    BOOKED_ON_ANOTHER_DAY = "booked_on_another_day"


HELD_OUT: Mapping[str, str] = {
    HeldOutCode.NO_TERMS: "the competition has no terms for this day",
    HeldOutCode.TWO_TERMS: "the competition has two terms for one date, or its terms have the id of others",
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
    HeldOutCode.BOOKED_ON_ANOTHER_DAY: "the match is booked under another day, and that comes first",
}
