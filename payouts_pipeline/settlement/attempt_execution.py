"""How one committed attempt is brought to an outcome: repeat while that is safe, ask where it is not, never guess."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

from payouts_pipeline.domain.cards import NotNow, may_not_be_charged, tries_without_funds
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.reasons import SILENCE, ReasonCode
from payouts_pipeline.domain.refusals import WAIT, Refusal, judge, looked_at_again
from payouts_pipeline.ledger.attempts import Attempt, Outcome, TakenOver
from payouts_pipeline.settlement.stripe_answers import Answer, Indeterminate, Succeeded, of_recovered
from payouts_pipeline.settlement.stripe_client import StripeClient


class AttemptLog(Protocol):
    """Commits what has to be known of an attempt before it is sent."""

    def set_payment_method(self, attempt: Attempt, payment_method_id: str) -> Attempt:
        """Note the card that the attempt charges, so that the same attempt never names another."""


# A missing answer is asked for again after 1, 2, 4, ... seconds, at most every hour.
_LONGEST_PAUSE = timedelta(hours=1)
_KEY_MAY_BE_FORGOTTEN = Indeterminate(ReasonCode.KEY_MAY_BE_FORGOTTEN)
_CANCELLED_TOO_SOON = Indeterminate(ReasonCode.CANCELLED_TOO_SOON)


def execute(attempt: Attempt, stripe: StripeClient, log: AttemptLog, leased_until: float) -> Outcome:
    """Send a new attempt; find out about one that was sent before.

    ``leased_until`` (seconds of `time.time`) is when another worker may take the instruction over.
    """
    confirmed = stripe.confirm(attempt) if attempt.judged_reference else of_recovered(attempt)
    if isinstance(confirmed, Succeeded) or (confirmed and not attempt.judged_reference):
        return _outcome(attempt, confirmed)
    # What is given back is asked about even then: it is seldom, and the ledger may have lost that it was sent.
    if attempt.sends == 0 and attempt.number == 1 and not attempt.is_to_cancel and not attempt.is_return:
        return _send(attempt, stripe, log, leased_until)
    # Asking first is the only way out of an error that Stripe stored under the key and replays forever. Also what was
    # refused may have been paid since, and what still could be must not be when the next attempt is (rule of money 11).
    found = stripe.find(attempt)
    answer = found.answer or stripe.cancel(found.payable, leased_until)
    if isinstance(answer, Indeterminate | None) and confirmed:
        return _outcome(attempt, confirmed)
    if answer is not None and not _is_silence_judged(attempt, answer):
        return _outcome(attempt, answer)
    if found.is_of_another_card:
        return _absent(attempt)
    return _of_nothing_found(attempt, stripe, log, leased_until)


def _is_silence_judged(attempt: Attempt, answer: Answer) -> bool:
    """Whether Stripe can't say what became of it, nothing of it can arrive, and a person says that it moved nothing."""
    is_silent = isinstance(answer, Indeterminate) and answer.code in SILENCE
    return is_silent and attempt.is_judged_not_moved and attempt.key_is_old and attempt.is_gone


def _of_nothing_found(attempt: Attempt, stripe: StripeClient, log: AttemptLog, leased_until: float) -> Outcome:
    """Stripe has nothing of the attempt: repeat it while that is safe, close it once it can't arrive any more."""
    if attempt.is_to_cancel:
        is_over = attempt.sends == 0 or attempt.is_gone
        return _cancelled(attempt) if is_over else _outcome(attempt, _CANCELLED_TOO_SOON)
    if attempt.key_is_old:
        return _absent(attempt) if attempt.is_gone else _outcome(attempt, _KEY_MAY_BE_FORGOTTEN)
    if attempt.is_on_hold:
        return _outcome(attempt, Indeterminate(ReasonCode.ON_HOLD_AND_NOT_FOUND))
    return _send(attempt, stripe, log, leased_until)


def _send(attempt: Attempt, stripe: StripeClient, log: AttemptLog, leased_until: float) -> Outcome:
    """Make the call, for a charge without a known card with the customer's default."""
    if attempt.is_return:
        return _outcome(attempt, _of_every_call(attempt, stripe.send(attempt, leased_until)))
    if attempt.lost_movements:
        return _of_lost_movement(attempt)
    if attempt.stripe_customer_id and not attempt.stripe_payment_method_id:
        method = stripe.default_payment_method(attempt.stripe_customer_id)
        if not isinstance(method, str):
            return _outcome(attempt, method)
        try:
            attempt = log.set_payment_method(attempt, method)
        except TakenOver:
            return _outcome(attempt, Indeterminate(ReasonCode.TAKEN_OVER))
    # Only a first call of an attempt is another try of the card.
    not_now = may_not_be_charged(attempt.card_history) if attempt.sends == 0 else None
    if not_now:
        return _not_tried(attempt, not_now)
    return _outcome(attempt, _of_every_call(attempt, stripe.send(attempt, leased_until)))


def _of_every_call(attempt: Attempt, answer: Answer) -> Answer:
    """A call that Stripe turned away at the door says nothing of an earlier one of the same attempt.

    That one may have moved the money, or be about to, until it can't be in progress any more and Stripe, asked just
    before this call, knew of nothing.
    """
    if isinstance(answer, Refusal) and not answer.is_stored and attempt.sends > 0 and not attempt.is_gone:
        return Indeterminate(ReasonCode.TURNED_AWAY, {"code": answer.code}, answer.request_id)
    return answer


def _of_lost_movement(attempt: Attempt) -> Outcome:
    """What Stripe has moved for the same payee may be what the attempt would move, under a name that was lost."""
    movement = attempt.lost_movements[0]
    details = {
        "reference": movement["reference"],
        "moved_minor": movement["amount_minor"],
        "moved_currency": movement["currency"],
        "lost_day": movement["day"] or "an unknown day",
    }
    if attempt.sends > 0:
        return _outcome(attempt, Indeterminate(ReasonCode.MOVEMENT_LOST, details))
    return Outcome(
        attempt.instruction_id,
        attempt.number,
        Status.WAITING,
        is_absent=True,
        **_why(ReasonCode.MOVEMENT_LOST, details, WAIT),
    )


def _absent(attempt: Attempt) -> Outcome:
    """The attempt moved nothing and never will. What is sent next takes today's account, holds and approvals."""
    return Outcome(
        attempt.instruction_id,
        attempt.number,
        Status.WAITING,
        reason_code=ReasonCode.NEVER_REACHED_STRIPE,
        retry_after_s=0,
        is_absent=True,
    )


def _not_tried(attempt: Attempt, not_now: NotNow) -> Outcome:
    """The card's past says that it is not charged, so that nothing was sent."""
    verdict = looked_at_again(not_now.verdict) if attempt.is_default_card else not_now.verdict
    why = _why(not_now.code, verdict.details, verdict.retry_after)
    return Outcome(attempt.instruction_id, attempt.number, verdict.status, is_absent=True, **why)


def _cancelled(attempt: Attempt) -> Outcome:
    """Nothing of the instruction moved, and nobody can pay it any more."""
    return Outcome(attempt.instruction_id, attempt.number, Status.CANCELLED, is_absent=True)


def _outcome(attempt: Attempt, answer: Answer) -> Outcome:
    """What an answer means for the instruction."""
    outcome = Outcome(
        attempt.instruction_id,
        attempt.number,
        Status.SETTLED,
        sends=attempt.sends,
        provider_request_id=answer.request_id,
    )
    match answer:
        case Succeeded():
            return replace(outcome, provider_reference=answer.reference)
        case Indeterminate():
            pause = min(timedelta(seconds=2 ** min(attempt.sends, 12)), _LONGEST_PAUSE)
            return replace(outcome, status=Status.UNKNOWN, **_why(answer.code, answer.details, pause))
        case Refusal():
            verdict = judge(
                answer, tries_without_funds(attempt.card_history) + 1, is_default_card=attempt.is_default_card
            )
            why = _why(answer.code, verdict.details, verdict.retry_after)
            return replace(outcome, status=verdict.status, sends=None if answer.was_found else attempt.sends, **why)


def _why(code: str, details: Mapping[str, Any], retry_after: timedelta | None) -> dict[str, Any]:
    """The fields of an outcome that is not settled."""
    retry_after_s = retry_after.total_seconds() if retry_after else None
    return {"reason_code": code, "reason_details": details, "retry_after_s": retry_after_s}
