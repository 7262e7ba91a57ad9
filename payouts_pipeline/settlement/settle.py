"""How one committed attempt is brought to an outcome: repeat while that is safe, ask where it is not, never guess."""

from collections.abc import Callable
from datetime import timedelta

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.refusals import Refusal, judge
from payouts_pipeline.ledger.claims import Attempt, Outcome
from payouts_pipeline.settlement.provider import Answer, Moved, NoAnswer, Provider

NextAttempt = Callable[[Attempt], Attempt]

# A missing answer is asked for again after 1, 2, 4, ... seconds, at most every hour.
_LONGEST_PAUSE = timedelta(hours=1)


def settle(attempt: Attempt, provider: Provider, next_attempt: NextAttempt) -> Outcome:
    """Send a new attempt; find out about one that was sent before.

    ``next_attempt`` closes an attempt that provably moved nothing, and commits another before it is sent.
    """
    if attempt.sends == 0:
        return _outcome(attempt, provider.send(attempt))
    # Asking first is the only way out of an error that Stripe stored under the key and replays forever.
    found = provider.find(attempt)
    if found is not None:
        return _outcome(attempt, _only_if_moved(found))
    if not attempt.key_is_old:
        return _outcome(attempt, provider.send(attempt))
    if not attempt.is_gone:
        return _outcome(attempt, NoAnswer("it was sent a moment ago under a key that Stripe may have forgotten"))
    fresh = next_attempt(attempt)
    return _outcome(fresh, provider.send(fresh))


def _only_if_moved(found: Answer) -> Answer:
    """A refused question says nothing about the money."""
    if isinstance(found, Refusal):
        return NoAnswer(f"Stripe could not be asked about it ({found.code})", found.request_id)
    return found


def _outcome(attempt: Attempt, answer: Answer) -> Outcome:
    """What an answer means for the instruction."""
    match answer:
        case Moved():
            return Outcome(
                attempt.instruction_id,
                attempt.number,
                Status.SETTLED,
                provider_reference=answer.reference,
                provider_request_id=answer.request_id,
            )
        case NoAnswer():
            pause = min(timedelta(seconds=2 ** min(attempt.sends, 12)), _LONGEST_PAUSE)
            return Outcome(
                attempt.instruction_id,
                attempt.number,
                Status.UNKNOWN,
                reason=f"{answer.reason}; it is not known whether the money moved, and Stripe is asked again",
                retry_after_s=pause.total_seconds(),
                provider_request_id=answer.request_id,
            )
        case Refusal():
            verdict = judge(answer, attempt.number)
            retry_after = verdict.retry_after
            return Outcome(
                attempt.instruction_id,
                attempt.number,
                verdict.status,
                reason=verdict.reason,
                code=answer.code,
                retry_after_s=retry_after.total_seconds() if retry_after else None,
                provider_request_id=answer.request_id,
            )
