"""What Stripe's answers mean: the objects and the exceptions of its SDK, sorted into three.

`Succeeded`: the money moved. `Refusal`: a definite no, nothing moved. `Indeterminate`: all else, and so whatever is not
Stripe's own answer (rule of money 10): proxies and firewalls answer, too, also after passing a call on.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import stripe

from payouts_pipeline.domain.reasons import ReasonCode, why_no_answer
from payouts_pipeline.domain.refusals import OUR_KEY, Refusal
from payouts_pipeline.ledger.attempts import Attempt

# The types of errors that refuse a call; `api_error` and `idempotency_error` say nothing about the money.
# Source: docs.stripe.com/api/errors, and the older names that the SDK still knows.
_REFUSING = frozenset({"card_error", "invalid_request_error", "authentication_error", "rate_limit_error"})

# A request that took too long, one that is in progress, and what failed outside of Stripe (docs.stripe.com/api/errors).
_UNDECIDED = frozenset({408, 409, 424, 425})

# Intents that anybody with access can still pay: with another card, by the bank's app, from the dashboard.
_PAYABLE = ("requires_payment_method", "requires_confirmation", "requires_action")

# It names the key, as far as Stripe shows one, or the account that the key opens no more.
_KEY_REFUSED = re.compile(
    r"(Invalid|Expired) API Key provided: \S|The provided key '\S+' does not have access to account 'acct_"
)

# What the ids of Stripe's objects begin with.
_PREFIXES = {"payment_intent": "pi_", "transfer": "tr_"}


@dataclass(frozen=True)
class Succeeded:
    """The money moved, now or before."""

    reference: str
    request_id: str | None = None


@dataclass(frozen=True)
class Indeterminate:
    """Nobody knows yet whether the money moved."""

    code: ReasonCode
    details: Mapping[str, Any] = field(default_factory=dict)
    request_id: str | None = None

    def __str__(self) -> str:
        """Why there is no answer, to who only asked."""
        return why_no_answer(self.code, self.details)


Answer = Succeeded | Refusal | Indeterminate


@dataclass(frozen=True)
class Found:
    """What Stripe has of an instruction: what it says of the attempt, and earlier intents that could still be paid.

    ``is_of_another_card``: under the attempt's key another card was declined, so that the attempt's own never will be
    asked: the ledger was restored, and the card is a new one since.
    """

    answer: Answer | None = None
    payable: Sequence[str] = ()
    is_of_another_card: bool = False


T = TypeVar("T")


_OF_MOVEMENT = ("reference", "instruction_id", "amount_minor", "currency", "payee")


class NotStripes(Exception):  # noqa: N818 - what it is: an answer that somebody else gave
    """What came back is not what Stripe says to such a call."""


@dataclass(frozen=True)
class Movement:
    """Money that Stripe says it moves; ``payee`` is the customer who is charged or the account that is paid."""

    reference: str
    instruction_id: str
    amount_minor: int
    currency: str
    payee: str


def answered(call: Callable[[], T], payee: str | None = None) -> T | Refusal | Indeterminate:
    """The answer to a call, with Stripe's exceptions sorted into definite refusals and missing answers.

    ``call`` also looks whether the answer is Stripe's. Whatever it or the SDK stumbles over is no answer. ``payee`` is
    the account that the call pays, if it pays one.
    """
    try:
        return call()
    except stripe.APIConnectionError as error:
        return Indeterminate(ReasonCode.NO_ANSWER, request_id=error.request_id)
    except stripe.StripeError as error:
        return _of_error(error, payee)
    except (NotStripes, AttributeError, TypeError, ValueError, LookupError):
        return Indeterminate(ReasonCode.NOT_STRIPES_ANSWER, {"http_status": 200})


def of_intent(intent: Any, attempt: Attempt) -> Answer:
    """What the payment intent that was just confirmed means; raises NotStripes for one that is not the attempt's.

    Source: docs.stripe.com/payments/paymentintents/lifecycle.
    """
    _require(_is_sent(movement_of(intent, "payment_intent"), attempt))
    if intent.status == "succeeded":
        return Succeeded(intent.id, request_id(intent))
    if intent.status == "processing":
        return Indeterminate(ReasonCode.BANK_PROCESSING, request_id=request_id(intent))
    code = "authentication_required" if intent.status == "requires_action" else f"payment_{intent.status}"
    return Refusal(code, request_id(intent))


def of_transfer(transfer: Any, attempt: Attempt) -> Answer:
    """A transfer that is there has moved its money; raises NotStripes for one that is not the attempt's."""
    _require(_is_sent(movement_of(transfer, "transfer"), attempt))
    return Succeeded(transfer.id, request_id(transfer))


def of_found(things: Sequence[Any], kind: str, attempt: Attempt) -> Found:
    """What the intents or transfers mean that Stripe has of the attempt's instruction.

    What differs from all attempts in amount, currency or payee settles nothing: a person must judge it.
    """
    moving = [(thing, movement_of(thing, kind)) for thing in things if _moves(thing)]
    ours = [thing for thing, movement in moving if _is_of_attempts(movement, attempt)]
    for thing in ours:
        if thing.object == "transfer" or thing.status == "succeeded":
            return Found(Succeeded(thing.id))
    for thing, movement in moving:
        if thing not in ours:
            return Found(Indeterminate(ReasonCode.MOVEMENT_DIFFERS, _shown(movement)))
    if ours:
        return Found(Indeterminate(ReasonCode.BANK_PROCESSING))
    named = [] if attempt.is_to_cancel else [thing for thing in things if _is_of(attempt, thing)]
    own = [thing for thing in named if not _has_declined_another_card(thing, attempt)]
    payable = [thing.id for thing in things if thing not in own and thing.status in _PAYABLE]
    return Found(_refusal_of(own), payable, is_of_another_card=own != named)


def of_named(thing: Any, kind: str, attempt: Attempt) -> Succeeded | Indeterminate:
    """Whether what a person has named has moved what the attempt asked for; it need not name the instruction."""
    movement = movement_of(thing, kind)
    has_moved = thing.status == "succeeded" if kind == "payment_intent" else thing.amount_reversed == 0
    is_free = instruction_of(thing) in (None, str(attempt.instruction_id))
    is_asked = (movement.amount_minor, movement.currency) == (attempt.amount_minor, attempt.currency)
    if has_moved and is_free and is_asked and movement.payee in {attempt.payee, *attempt.payees}:
        return Succeeded(thing.id, request_id(thing))
    return Indeterminate(ReasonCode.JUDGED_OTHERWISE, {"reference": thing.id}, request_id(thing))


def of_cancelled(intent: Any, intent_id: str) -> None:
    """That nobody can pay the intent any more; raises NotStripes for anything else."""
    _require(intent.object == "payment_intent" and (intent.id, intent.status) == (intent_id, "canceled"))


def of_recovered(attempt: Attempt) -> Answer | None:
    """What follows from what the ledger did not know of the instruction and `payouts recover` has found.

    None where nothing had moved then: Stripe has to be asked what became of it.
    """
    moved = [
        (Movement(**{name: each[name] for name in _OF_MOVEMENT}), each["status"])
        for each in attempt.movements
        if each["status"] in ("succeeded", "reversed")
    ]
    for movement, status in moved:
        if not _is_of_attempts(movement, attempt) or status == "reversed" or len(moved) > 1:
            return Indeterminate(ReasonCode.MOVEMENT_DIFFERS, _shown(movement))
    return Succeeded(moved[0][0].reference) if moved else None


def _is_of(attempt: Attempt, thing: Any) -> bool:
    return getattr(thing.metadata, "attempt", None) == str(attempt.number)


def _has_declined_another_card(intent: Any, attempt: Attempt) -> bool:
    """Whether an attempt that the ledger has lost made it, with another card than the one of now."""
    if intent.id not in {each["reference"] for each in attempt.movements} or not attempt.stripe_payment_method_id:
        return False
    method = getattr(intent.last_payment_error, "payment_method", None)
    declined = getattr(method, "id", method)
    return declined is not None and declined != attempt.stripe_payment_method_id


def _moves(thing: Any) -> bool:
    """A transfer that is there has moved its money; a payment intent may never do so."""
    return thing.object == "transfer" or thing.status in ("succeeded", "processing")


def _refusal_of(own: Iterable[Any]) -> Refusal | None:
    """What the attempt's own intent was refused for, which may be days after the call; None while it was not."""
    for intent in own:
        error = intent.last_payment_error
        code = error and (getattr(error, "decline_code", None) or getattr(error, "code", None))
        if intent.status == "canceled" or (code and intent.status in _PAYABLE):
            return Refusal(code or "payment_canceled", was_found=True)
    return None


def _shown(movement: Movement) -> dict[str, Any]:
    return {
        "reference": movement.reference,
        "moved_minor": movement.amount_minor,
        "moved_currency": movement.currency,
    }


def movement_of(thing: Any, kind: str) -> Movement:
    """What a payment intent or a transfer says of itself; raises NotStripes for anything else."""
    _require(thing.object == kind and thing.id.startswith(_PREFIXES[kind]) and type(thing.amount) is int)
    payee = thing.customer if kind == "payment_intent" else thing.destination
    return Movement(
        reference=thing.id,
        instruction_id=str(instruction_of(thing)),
        amount_minor=thing.amount,
        currency=thing.currency.upper(),
        # Stripe gives a bare id, or an object where its SDK was told to expand it.
        payee=str(getattr(payee, "id", payee)),
    )


def instruction_of(thing: Any) -> str | None:
    """The instruction that a payment intent or a transfer is of, None for one that is not ours."""
    return getattr(thing.metadata, "instruction_id", None)


def ledger_of(thing: Any) -> str | None:
    """The ledger that has made a payment intent or a transfer, None for what none has made."""
    return getattr(thing.metadata, "ledger", None)


def account_of(account: Any) -> str:
    """The id of our own account; raises NotStripes for anything else."""
    _require(account.object == "account" and account.id.startswith("acct_") and bool(request_id(account)))
    return str(account.id)


def of_page(page: Any, kind: str, wanted: Mapping[str, Any] | None = None) -> Any:
    """The page of a list; raises NotStripes for anything else, such as what was ``wanted`` by another question.

    That something is not listed is a definite no as well, and so has to be known to be Stripe's own.
    """
    asked = wanted or {}
    _require(page.object == "list" and type(page.has_more) is bool and bool(request_id(page)))
    for thing in page.data:
        movement = movement_of(thing, kind)
        # The page that was given before, again, would have no end.
        _require(thing.id != asked.get("starting_after"))
        _require(asked.get("customer") in (None, movement.payee))
        _require(asked.get("transfer_group") in (None, thing.transfer_group))
    _require(bool(page.data) or not page.has_more)
    return page


def default_method_of(customer: Any, customer_id: str) -> str | Refusal:
    """The payment method that the customer's invoices are paid with; raises NotStripes for anything else.

    Customers from before payment methods have a default source, which Stripe takes as a payment method, too.
    """
    _require(customer.object == "customer" and customer.id == customer_id)
    if getattr(customer, "deleted", False):
        return Refusal("customer_deleted", request_id(customer))
    method = customer.invoice_settings.default_payment_method or customer.default_source
    return getattr(method, "id", method) or Refusal("missing_payment_method", request_id(customer))


def _is_sent(movement: Movement, attempt: Attempt) -> bool:
    """Whether it is what the attempt asked for."""
    return movement.payee == attempt.payee and _is_of_attempts(movement, attempt)


def _is_of_attempts(movement: Movement, attempt: Attempt) -> bool:
    """Whether it is what one of the instruction's attempts asked for."""
    asked = (str(attempt.instruction_id), attempt.amount_minor, attempt.currency)
    moved = (movement.instruction_id, movement.amount_minor, movement.currency)
    return moved == asked and movement.payee in {attempt.payee, *attempt.payees}


def _require(is_stripes: bool) -> None:
    if not is_stripes:
        raise NotStripes


def request_id(answer: Any) -> str | None:
    """What Stripe's support asks for; an object out of a list has none of its own."""
    response = getattr(answer, "last_response", None)
    return response.request_id if response else None


def _of_error(error: stripe.StripeError, payee: str | None) -> Refusal | Indeterminate:
    """A refusal only by Stripe's own error, with a type that refuses and a request id."""
    body = error.json_body if isinstance(error.json_body, dict) else {}
    said = body.get("error")
    status = error.http_status or 0
    if not (isinstance(said, dict) and said.get("type") and error.request_id):
        unheard = Indeterminate(ReasonCode.NOT_STRIPES_ANSWER, {"http_status": status}, error.request_id)
        return _at_the_door(error, payee) or unheard
    if said["type"] == "idempotency_error":
        # In use right now (409), or used with other parameters: either way something of ours is or was there.
        return Indeterminate(ReasonCode.KEY_IN_USE, request_id=error.request_id)
    if said["type"] not in _REFUSING:
        return Indeterminate(ReasonCode.PROVIDER_ERROR, {"http_status": status}, error.request_id)
    if said["type"] == "card_error" and status == 402:
        return Refusal(said.get("decline_code") or said.get("code") or "card_error", error.request_id)
    return _by_http_status(error, payee)


def _at_the_door(error: stripe.StripeError, payee: str | None) -> Refusal | None:
    """The one refusal that has no request id: a key that may not come in, in the words that Stripe has for it.

    Source: Stripe's answers, recorded in github.com/pay-rails/pay (`test/vcr_cassettes`, 401) and
    github.com/openfoodfoundation/openfoodnetwork (`spec/fixtures/vcr_cassettes`, 403).
    """
    if error.http_status in (401, 403) and _KEY_REFUSED.match(error.user_message or ""):
        return Refusal(_turned_away(error, payee), is_stored=False)
    return None


def _by_http_status(error: stripe.StripeError, payee: str | None) -> Refusal | Indeterminate:
    """A 4xx is a definite refusal, unless something was in its way; anything else says nothing about the money."""
    status = error.http_status or 0
    if status == 429:
        code = "lock_timeout" if _code(error) == "lock_timeout" else "rate_limit"
        return Refusal(
            code, error.request_id, _retry_after(error), is_stored=False, repeat_at_once=_wants_repeat(error, code)
        )
    if status in (401, 403):
        return Refusal(_turned_away(error, payee), error.request_id, is_stored=False, permission=_permission(error))
    if 400 <= status < 500 and status not in _UNDECIDED:
        return Refusal(_code(error) or "invalid_request", error.request_id)
    return Indeterminate(ReasonCode.PROVIDER_ERROR, {"http_status": status}, error.request_id)


def _turned_away(error: stripe.StripeError, payee: str | None) -> str:
    """The code of a 401 or 403: it is about our key or our own account, unless Stripe names the account to be paid.

    Both accounts are refused with the same code; a payee must not lose its payout to what is wrong with us.
    """
    code = _code(error)
    if code == "account_invalid":
        return code if payee and f"'{payee}'" in (error.user_message or "") else "our_account_invalid"
    if code in OUR_KEY:
        return str(code)
    return "invalid_api_key" if error.http_status == 401 else "insufficient_permissions"


def _permission(error: stripe.StripeError) -> str | None:
    """The permission that a restricted key lacks, by Stripe's name; it stands in the message only."""
    found = re.search(r"'(rak_\w+)'", error.user_message or "")
    return found[1] if found else None


def _code(error: stripe.StripeError) -> str | None:
    """Stripe's code for the error; the SDK leaves its own `code` empty for some of its exceptions."""
    return (error.error.code if error.error else None) or error.code


def _wants_repeat(error: stripe.StripeError, code: str) -> bool:
    """What Stripe says itself (Stripe-Should-Retry); where it does not, a rate limit asks for a slower repeat."""
    said = _header(error, "stripe-should-retry")
    return said == "true" if said else code == "rate_limit"


def _retry_after(error: stripe.StripeError) -> timedelta | None:
    text = _header(error, "retry-after")
    return timedelta(seconds=int(text)) if text.isdecimal() else None


def _header(error: stripe.StripeError, name: str) -> str:
    headers = error.headers or {}
    return next((str(value) for key, value in headers.items() if key.lower() == name), "")
