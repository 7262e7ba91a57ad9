"""Refunds and reversals at Stripe: how each is asked for, looked for, and what the answers mean.

A refund has left our balance once it is there, also while the bank takes its time (`pending`); one that fails comes
back, which Stripe's journal tells. Sources: docs.stripe.com/api/refunds, docs.stripe.com/api/transfer_reversals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.reasons import ReasonCode, ReturnCode
from payouts_pipeline.domain.refusals import Refusal
from payouts_pipeline.failpoints import Failpoint, failpoint
from payouts_pipeline.ledger.attempts import Attempt
from payouts_pipeline.settlement.stripe_answers import (
    Answer,
    Found,
    Indeterminate,
    NotStripes,
    Succeeded,
    instruction_of,
    request_id,
)

# Of a refund that was made and came to nothing: what had left our balance is there again.
_CAME_BACK = ("failed", "canceled")
# Stripe gives no code where nothing is left, or less than was asked for.
_WITHOUT_CODE = "invalid_request"


@dataclass(frozen=True)
class _Kind:
    """What Stripe calls it: the object, how its ids begin, and the field that names what it gives back."""

    name: str
    prefixes: tuple[str, ...]
    field: str


_KINDS: Mapping[BillingType, _Kind] = {
    BillingType.CHARGE_REFUND: _Kind("refund", ("re_", "pyr_"), "payment_intent"),
    BillingType.PAYOUT_REVERSAL: _Kind("transfer_reversal", ("trr_",), "transfer"),
}


def create(services: Any, attempt: Attempt, metadata: Mapping[str, str]) -> Answer:
    """Have it given back, under the attempt's own key; raises NotStripes for an answer that is not the attempt's."""
    params = {"amount": attempt.amount_minor, "metadata": metadata}
    key = {"idempotency_key": attempt.idempotency_key}
    if attempt.billing_type == BillingType.CHARGE_REFUND:
        with failpoint(Failpoint.REFUND):
            made = services.refunds.create({"payment_intent": attempt.takes_back, **params}, key)
    else:
        with failpoint(Failpoint.REVERSE):
            made = services.transfers.reversals.create(attempt.takes_back, params, key)
    _require(_is_sent(made, attempt))
    return _refusal_of(made) or Succeeded(made.id, request_id(made))


def of_refused(answer: Answer) -> Answer:
    """A refusal without a code is about what is left there, and not about our account."""
    if isinstance(answer, Refusal) and answer.code == _WITHOUT_CODE:
        return replace(answer, code=ReturnCode.NOT_LEFT)
    return answer


def page(services: Any, attempt: Attempt, wanted: Mapping[str, Any]) -> Any:
    """A page of all that was given back of the same charge or payout; raises NotStripes for anything else."""
    kind = _KINDS[attempt.billing_type]
    if kind.name == "refund":
        found = services.refunds.list({"payment_intent": attempt.takes_back, **wanted})
    else:
        found = services.transfers.reversals.list(attempt.takes_back, dict(wanted))
    _require(found.object == "list" and type(found.has_more) is bool and bool(request_id(found)))
    _require(bool(found.data) or not found.has_more)
    _require(all(_is_of_kind(each, kind) and _taken_back(each, kind) == attempt.takes_back for each in found.data))
    _require(all(each.id != wanted.get("starting_after") for each in found.data))
    return found


def retrieve(services: Any, attempt: Attempt, reference: str) -> Any:
    """One refund or reversal, by its id."""
    if attempt.billing_type == BillingType.CHARGE_REFUND:
        return services.refunds.retrieve(reference)
    return services.transfers.reversals.retrieve(attempt.takes_back, reference)


def target_of(services: Any, reference: str) -> str | None:
    """Of what a refund was asked for, as it says itself; None where it does not."""
    refund = services.refunds.retrieve(reference)
    _require(refund.object == "refund" and refund.id == reference)
    return getattr(refund.metadata, "target", None)


def of_found(things: Sequence[Any], attempt: Attempt) -> Found:
    """What those mean that name the instruction. Of another amount they settle nothing: a person must judge it."""
    for thing in things:
        if _is_sent(thing, attempt) and not _came_back(thing):
            return Found(Succeeded(thing.id))
    for thing in things:
        if not _is_sent(thing, attempt):
            return Found(Indeterminate(ReasonCode.MOVEMENT_DIFFERS, _shown(thing)))
    own = [each for each in things if getattr(each.metadata, "attempt", None) == str(attempt.number)]
    return Found(_refusal_of(own[0]) if own else None)


def of_named(thing: Any, attempt: Attempt) -> Succeeded | Indeterminate:
    """Whether what a person has named gave back what the attempt asked for; it need not name the instruction."""
    kind = _KINDS[attempt.billing_type]
    _require(_is_of_kind(thing, kind))
    is_free = instruction_of(thing) in (None, str(attempt.instruction_id))
    if is_free and _is_as_asked(thing, attempt) and not _came_back(thing):
        return Succeeded(thing.id, request_id(thing))
    return Indeterminate(ReasonCode.JUDGED_OTHERWISE, {"reference": thing.id}, request_id(thing))


def _is_sent(thing: Any, attempt: Attempt) -> bool:
    return _is_as_asked(thing, attempt) and instruction_of(thing) == str(attempt.instruction_id)


def _is_as_asked(thing: Any, attempt: Attempt) -> bool:
    kind = _KINDS[attempt.billing_type]
    asked = (attempt.amount_minor, attempt.currency, attempt.takes_back)
    return _is_of_kind(thing, kind) and (thing.amount, thing.currency.upper(), _taken_back(thing, kind)) == asked


def _is_of_kind(thing: Any, kind: _Kind) -> bool:
    return thing.object == kind.name and thing.id.startswith(kind.prefixes) and type(thing.amount) is int


def _taken_back(thing: Any, kind: _Kind) -> str:
    """Stripe gives a bare id, or an object where its SDK was told to expand it."""
    named = getattr(thing, kind.field)
    return str(getattr(named, "id", named))


def _came_back(thing: Any) -> bool:
    """A reversal has no status: once it is there, it has moved."""
    return getattr(thing, "status", None) in _CAME_BACK


def _refusal_of(thing: Any) -> Refusal | None:
    return Refusal(ReturnCode.CAME_BACK, request_id(thing), was_found=True) if _came_back(thing) else None


def _shown(thing: Any) -> dict[str, Any]:
    return {"reference": thing.id, "moved_minor": thing.amount, "moved_currency": thing.currency.upper()}


def _require(is_stripes: bool) -> None:
    if not is_stripes:
        raise NotStripes
