"""Stripe: charges and transfers of committed attempts, and the question whether one of them moved money.

Every answer becomes one of `Succeeded`, `Refusal` or `Indeterminate`. Nothing here repeats a call on its own,
except where Stripe says that it did not even look at it (429).
"""

import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import stripe

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.reasons import ReasonCode, why_no_answer
from payouts_pipeline.domain.refusals import Refusal
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.failpoints import Failpoint, failpoint
from payouts_pipeline.ledger.attempts import Attempt
from payouts_pipeline.settlement.rate_limit import NoRateLimiter, RateLimiter

TIMEOUT_S = 20.0
_RATE_LIMIT_TRIES = 4
_RATE_LIMIT_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0
# The most that Stripe gives at once.
_PAGE = 100
# Our clock and Stripe's may differ; what was made long before the attempt is not of it.
_CLOCK_MARGIN = timedelta(days=1)


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


@dataclass(frozen=True)
class Movement:
    """Money that Stripe says it has moved; ``payee`` is the customer who was charged or the account that was paid."""

    reference: str
    instruction_id: str
    amount_minor: int
    currency: str
    payee: str


Answer = Succeeded | Refusal | Indeterminate
T = TypeVar("T")


class Provider:
    """Our account at Stripe. Safe to share between threads; counts the calls that it makes."""

    def __init__(
        self,
        api_key: str,
        api_base: str | None = None,
        timeout_s: float = TIMEOUT_S,
        calls_per_s: float | None = None,
    ) -> None:
        addresses: Any = {"api": api_base} if api_base else {}
        self._stripe = stripe.StripeClient(
            api_key,
            base_addresses=addresses,
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=timeout_s),
        )
        self._lock = threading.Lock()
        self._pace: RateLimiter = NoRateLimiter()
        self.calls_per_s = calls_per_s
        self.calls = 0

    def keep(self, pace: RateLimiter) -> None:
        """Make every call from now on at this pace."""
        self._pace = pace

    def check(self) -> None:
        """Raise PayoutsError unless Stripe can be reached and takes our key."""
        answer = self._ask(self._read_balance)
        if isinstance(answer, Refusal):
            raise PayoutsError(f"Stripe refused our API key ({answer.code}): see that STRIPE_API_KEY is right.")
        if isinstance(answer, Indeterminate):
            raise PayoutsError(
                f"Stripe can't be asked ({answer}): see STRIPE_API_BASE and the network, then run again."
            )

    def send(self, attempt: Attempt, leased_until: float) -> Answer:
        """Ask Stripe to move the money of a committed attempt, under the attempt's own key.

        Not after ``leased_until`` (seconds of `time.time`): a process that was frozen, or waited too long for its turn,
        would send under a key that Stripe has forgotten, or after somebody else paid.
        """
        is_charge = attempt.billing_type == BillingType.PLAYER_CHARGE
        return self._ask(lambda: self._charge(attempt) if is_charge else self._transfer(attempt), leased_until)

    def find(self, attempt: Attempt) -> Answer | None:
        """Ask Stripe whether the instruction's money has moved; None if it knows of none. Moves nothing."""
        is_charge = attempt.billing_type == BillingType.PLAYER_CHARGE
        return self._ask(lambda: self._find_charge(attempt) if is_charge else self._find_transfer(attempt))

    def movements(self, since: datetime, until: datetime | None) -> Iterator[Movement]:
        """All that Stripe has moved for instructions, by when it was made there; a call for each hundred.

        Raises PayoutsError where Stripe can't be asked.
        """
        created = {"gte": int((since - _CLOCK_MARGIN).timestamp())}
        if until:
            created["lte"] = int((until + _CLOCK_MARGIN).timestamp())
        services: Any = self._stripe.v1
        for intent in self._listed(services.payment_intents, created):
            if intent.status == "succeeded" and _instruction_of(intent):
                yield Movement(*_moved_by(intent), payee=_id(intent.customer))
        for transfer in self._listed(services.transfers, created):
            if _instruction_of(transfer):
                yield Movement(*_moved_by(transfer), payee=_id(transfer.destination))

    def _listed(self, service: Any, created: Mapping[str, int]) -> Iterator[Any]:
        """Every object of a kind, page by page, each page a call that is counted and may be repeated."""
        params: dict[str, Any] = {"created": created, "limit": _PAGE}
        while True:
            page = self._ask(partial(service.list, params))
            if isinstance(page, Refusal | Indeterminate):
                why = page.code if isinstance(page, Refusal) else page
                raise PayoutsError(f"Stripe could not be asked for its movements ({why}): verify again in a while.")
            yield from page.data
            if not page.has_more:
                return
            params = {**params, "starting_after": page.data[-1].id}

    def default_payment_method(self, customer_id: str) -> str | Refusal | Indeterminate:
        """The customer's own default, which a charge has to name: Stripe does not fill it in off-session."""
        return self._ask(lambda: self._read_default(customer_id)) or Refusal("missing_payment_method")

    def _read_default(self, customer_id: str) -> str | None:
        customers: Any = self._stripe.v1.customers
        invoice_settings = getattr(customers.retrieve(customer_id), "invoice_settings", None)
        method = invoice_settings.default_payment_method if invoice_settings else None
        return getattr(method, "id", method)

    def _read_balance(self) -> None:
        self._stripe.v1.balance.retrieve()

    def _charge(self, attempt: Attempt) -> Answer:
        params = _movement(attempt) | {
            "customer": attempt.stripe_customer_id,
            "payment_method": attempt.stripe_payment_method_id,
            "off_session": True,
            "confirm": True,
        }
        intents: Any = self._stripe.v1.payment_intents
        with failpoint(Failpoint.CHARGE):
            intent = intents.create(params, {"idempotency_key": attempt.idempotency_key})
        return _judge_intent(intent)

    def _transfer(self, attempt: Attempt) -> Answer:
        params = _movement(attempt) | {"destination": attempt.stripe_account_id}
        transfers: Any = self._stripe.v1.transfers
        with failpoint(Failpoint.TRANSFER):
            transfer = transfers.create(params, {"idempotency_key": attempt.idempotency_key})
        return Succeeded(transfer.id, _request_id(transfer))

    def _find_charge(self, attempt: Attempt) -> Answer | None:
        since = int((attempt.first_sent_at - _CLOCK_MARGIN).timestamp())
        intents: Any = self._stripe.v1.payment_intents
        page = intents.list({"customer": attempt.stripe_customer_id, "created": {"gte": since}, "limit": 100})
        for intent in page.auto_paging_iter():
            if _is_of(intent, attempt) and intent.status in ("succeeded", "processing"):
                return _judge_intent(intent)
        return None

    def _find_transfer(self, attempt: Attempt) -> Answer | None:
        transfers: Any = self._stripe.v1.transfers
        page = transfers.list({"transfer_group": str(attempt.instruction_id), "limit": 100})
        for transfer in page.auto_paging_iter():
            if _is_of(transfer, attempt):
                return Succeeded(transfer.id)
        return None

    def _ask(self, call: Callable[[], T], until: float = math.inf) -> T | Refusal | Indeterminate:
        """Make a call, and again where Stripe turned it away unseen and wants it again."""
        for tried in range(_RATE_LIMIT_TRIES):
            self._pace.wait()
            if time.time() > until:
                return Indeterminate(ReasonCode.HELD_UP)
            with self._lock:
                self.calls += 1
            answer = _translated(call)
            if not (isinstance(answer, Refusal) and answer.repeat_at_once):
                return answer
            if answer.code == "rate_limit":
                self._pace.slow_down(answer.retry_after)
            _pause(tried, answer.retry_after)
        return answer


def _movement(attempt: Attempt) -> dict[str, Any]:
    """What a charge and a transfer of an attempt have in common; the same attempt always says the same."""
    return {
        "amount": attempt.amount_minor,
        "currency": attempt.currency.lower(),
        "transfer_group": str(attempt.instruction_id),
        "metadata": {
            "instruction_id": str(attempt.instruction_id),
            "attempt": str(attempt.number),
            "day": str(attempt.day),
            "billing_type": str(attempt.billing_type),
        },
    }


def _is_of(movement: Any, attempt: Attempt) -> bool:
    """Whether a movement at Stripe is of this instruction, by any of its attempts."""
    return _instruction_of(movement) == str(attempt.instruction_id)


def _instruction_of(movement: Any) -> str | None:
    return getattr(movement.metadata, "instruction_id", None)


def _moved_by(movement: Any) -> tuple[str, str, int, str]:
    """What a payment intent and a transfer say alike: reference, instruction, amount, currency."""
    return movement.id, str(_instruction_of(movement)), int(movement.amount), movement.currency.upper()


def _id(payee: Any) -> str:
    """Stripe gives a bare id, or an object where its SDK was told to expand it."""
    return str(getattr(payee, "id", payee))


def _judge_intent(intent: Any) -> Answer:
    """What the status of a confirmed payment intent means (docs.stripe.com/payments/paymentintents/lifecycle)."""
    if intent.status == "succeeded":
        return Succeeded(intent.id, _request_id(intent))
    if intent.status == "processing":
        return Indeterminate(ReasonCode.BANK_PROCESSING, request_id=_request_id(intent))
    code = "authentication_required" if intent.status == "requires_action" else f"payment_{intent.status}"
    return Refusal(code, _request_id(intent))


def _request_id(answer: Any) -> str | None:
    response = getattr(answer, "last_response", None)
    return response.request_id if response else None


def _translated(call: Callable[[], T]) -> T | Refusal | Indeterminate:
    """The answer, with Stripe's exceptions sorted into definite refusals and missing answers."""
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
        return _by_http_status(error)


def _by_http_status(error: stripe.StripeError) -> Refusal | Indeterminate:
    """A 4xx is a definite refusal, except the conflict (409); anything else says nothing about the money."""
    status = error.http_status or 0
    if status == 429:
        code = "lock_timeout" if _code(error) == "lock_timeout" else "rate_limit"
        return Refusal(
            code, error.request_id, _retry_after(error), is_stored=False, repeat_at_once=_wants_repeat(error, code)
        )
    if status == 401:
        return Refusal("invalid_api_key", error.request_id, is_stored=False)
    if status == 403:
        return Refusal(_code(error) or "insufficient_permissions", error.request_id, is_stored=False)
    if 400 <= status < 500 and status != 409:
        return Refusal(_code(error) or "invalid_request", error.request_id)
    return Indeterminate(ReasonCode.PROVIDER_ERROR, {"http_status": status}, error.request_id)


def _code(error: stripe.StripeError) -> str | None:
    """Stripe's code for the error; the SDK leaves its own `code` empty for some of its exceptions."""
    return (error.error.code if error.error else None) or error.code


def _wants_repeat(error: stripe.StripeError, code: str) -> bool:
    """What Stripe says itself (Stripe-Should-Retry); where it does not, a rate limit asks for a slower repeat."""
    said = _header(error, "stripe-should-retry")
    return said == "true" if said else code == "rate_limit"


def _header(error: stripe.StripeError, name: str) -> str:
    headers = error.headers or {}
    return next((str(value) for key, value in headers.items() if key.lower() == name), "")


def _retry_after(error: stripe.StripeError) -> timedelta | None:
    text = _header(error, "retry-after")
    return timedelta(seconds=int(text)) if text.isdecimal() else None


def _pause(tried: int, retry_after: timedelta | None) -> None:
    """As long as Stripe says, else twice as long each time, at random so that threads spread out."""
    wanted_s = retry_after.total_seconds() if retry_after else _RATE_LIMIT_PAUSE_S * 2**tried
    time.sleep(min(wanted_s, _LONGEST_PAUSE_S) * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
