"""What a card's past says of charging it again, whichever instruction it was refused for.

Banks and card schemes count every try of a card, and each of our charges would start anew: a card without funds is
asked again after 1, 3 and 5 days in all, one that is lost or stolen never, and none more often than the schemes allow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.reasons import ReasonCode
from payouts_pipeline.domain.refusals import BANK_IS_BUSY, CARD_CODES, CARD_RETRIES, OTHER_DECLINES, Verdict

# As often as Visa lets a declined payment be tried again, the strictest of the schemes
# (docs.stripe.com/disputes/monitoring-programs, docs.stripe.com/declines).
_AT_MOST = 15
_WITHIN = timedelta(days=30)

# No bank will ever take these again (docs.stripe.com/billing/revenue-recovery/smart-retries, "hard declines").
_NEVER_AGAIN = frozenset(
    {
        "do_not_try_again",
        "incorrect_number",
        "invalid_account",
        "invalid_number",
        "lost_card",
        "pickup_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "stop_payment_order",
    }
)
# Nor these, unless somebody sees to it: a new date under the same id, a block that is lifted. Only a person can tell.
_NOT_BY_ITSELF = frozenset(
    {"expired_card", "fraudulent", "merchant_blacklist", "restricted_card", "security_violation"}
)
_DECLINES = CARD_CODES | OTHER_DECLINES | BANK_IS_BUSY


@dataclass(frozen=True)
class CardRefusal:
    """A refusal of a card since it last paid.

    ``is_own``: of the instruction that would charge it now. ``is_lifted``: a person has asked for another try since.
    """

    code: str
    age: timedelta
    is_own: bool = False
    is_lifted: bool = False


@dataclass(frozen=True)
class NotNow:
    """Why a card is not charged, and what becomes of the instruction."""

    code: str
    verdict: Verdict


def may_not_be_charged(refusals: Sequence[CardRefusal]) -> NotNow | None:
    """Why a card must not be charged now; None if it may be. ``refusals``: oldest first."""
    declines = [each for each in refusals if each.code in _DECLINES]
    for each in declines:
        is_final = each.code in _NOT_BY_ITSELF or (each.is_own and each.code in OTHER_DECLINES)
        if each.code in _NEVER_AGAIN or (is_final and not each.is_lifted):
            return NotNow(each.code, Verdict(Status.REJECTED))
    recent = [each for each in declines if each.age < _WITHIN]
    return _tried_too_often(recent) or _tried_too_soon([each for each in recent if not each.is_lifted])


def tries_without_funds(refusals: Sequence[CardRefusal]) -> int:
    """How often the card was refused lately for a reason that can be gone on another day."""
    return len(_without_funds(refusals))


def _tried_too_often(recent: Sequence[CardRefusal]) -> NotNow | None:
    if len(recent) < _AT_MOST:
        return None
    free_after = _WITHIN - recent[-_AT_MOST].age
    return NotNow(ReasonCode.CARD_LIMIT, Verdict(Status.WAITING, free_after, {"times": len(recent)}))


def _tried_too_soon(recent: Sequence[CardRefusal]) -> NotNow | None:
    without_funds = _without_funds(recent)
    if not without_funds:
        return None
    last, times = without_funds[-1], len(without_funds)
    if times > len(CARD_RETRIES):
        return NotNow(last.code, Verdict(Status.REJECTED, details={"times": times}))
    wait = CARD_RETRIES[times - 1] - last.age
    days = math.ceil(wait / timedelta(days=1))
    return NotNow(last.code, Verdict(Status.WAITING, wait, {"retry_days": days})) if wait > timedelta(0) else None


def _without_funds(refusals: Sequence[CardRefusal]) -> list[CardRefusal]:
    return [each for each in refusals if each.code in CARD_CODES and each.age < _WITHIN]
