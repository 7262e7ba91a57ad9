"""What Stripe's answers mean: the objects and the exceptions of its SDK, sorted into three.

`Succeeded`: the money moved. `Refusal`: a definite no, nothing moved. `Indeterminate`: all else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import stripe

from payouts_pipeline.domain.reasons import ReasonCode, why_no_answer
from payouts_pipeline.domain.refusals import OUR_KEY, Refusal


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
T = TypeVar("T")


def answered(call: Callable[[], T], payee: str | None = None) -> T | Refusal | Indeterminate:
    """The answer to a call, with Stripe's exceptions sorted into definite refusals and missing answers.

    ``payee`` is the account that the call pays, if it pays one.
    """
    try:
        return call()
    except stripe.CardError as error:
        decline_code = error.error.decline_code if error.error else None
        return Refusal(decline_code or _code(error) or "card_error", error.request_id)
    except stripe.IdempotencyError as error:
        # In use right now (409), or used with other parameters: either way something of ours is or was there.
        return Indeterminate(ReasonCode.KEY_IN_USE, request_id=error.request_id)
    except stripe.APIConnectionError as error:
        return Indeterminate(ReasonCode.NO_ANSWER, request_id=error.request_id)
    except stripe.StripeError as error:
        return _by_http_status(error, payee)


def of_intent(intent: Any) -> Answer:
    """What the status of a confirmed payment intent means (docs.stripe.com/payments/paymentintents/lifecycle)."""
    if intent.status == "succeeded":
        return Succeeded(intent.id, _request_id(intent))
    if intent.status == "processing":
        return Indeterminate(ReasonCode.BANK_PROCESSING, request_id=_request_id(intent))
    code = "authentication_required" if intent.status == "requires_action" else f"payment_{intent.status}"
    return Refusal(code, _request_id(intent))


def of_transfer(transfer: Any) -> Answer:
    """A transfer that is there has moved its money."""
    return Succeeded(transfer.id, _request_id(transfer))


def _request_id(answer: Any) -> str | None:
    """What Stripe's support asks for; an object out of a list has none of its own."""
    response = getattr(answer, "last_response", None)
    return response.request_id if response else None


def _by_http_status(error: stripe.StripeError, payee: str | None) -> Refusal | Indeterminate:
    """A 4xx is a definite refusal, except the conflict (409); anything else says nothing about the money."""
    status = error.http_status or 0
    if status == 429:
        code = "lock_timeout" if _code(error) == "lock_timeout" else "rate_limit"
        return Refusal(
            code, error.request_id, _retry_after(error), is_stored=False, repeat_at_once=_wants_repeat(error, code)
        )
    if status in (401, 403):
        return Refusal(_turned_away(error, payee), error.request_id, is_stored=False)
    if 400 <= status < 500 and status != 409:
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
