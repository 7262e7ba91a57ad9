"""Stripe: charges and transfers of committed attempts, and the question whether one of them moved money.

Every call waits for the rate limit and is counted, each page of a list too. Nothing here repeats a call on its own,
except where Stripe says that it did not even look at it (429).
"""

import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from functools import partial
from typing import Any, Literal, TypeVar
from uuid import UUID

import stripe

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.reasons import ReasonCode
from payouts_pipeline.domain.refusals import Refusal
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.failpoints import Failpoint, failpoint
from payouts_pipeline.ledger.attempts import Attempt
from payouts_pipeline.settings import Wording
from payouts_pipeline.settlement import stripe_returns
from payouts_pipeline.settlement.rate_limit import NoRateLimiter, RateLimiter
from payouts_pipeline.settlement.stripe_answers import (
    Answer,
    Found,
    Indeterminate,
    Movement,
    Succeeded,
    account_of,
    answered,
    default_method_of,
    instruction_of,
    ledger_of,
    movement_of,
    of_cancelled,
    of_found,
    of_intent,
    of_named,
    of_page,
    of_transfer,
)
from payouts_pipeline.settlement.transport import http_client

# What this code was written and tested against: the version that the pinned SDK is of, whatever the account's default.
API_VERSION = "2026-10-28.endive"
TIMEOUT_S = 20.0
_RATE_LIMIT_TRIES = 4
_RATE_LIMIT_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0
# Stripe's code for an id that it does not have.
NO_SUCH_OBJECT = "resource_missing"
# The most that Stripe gives at once.
_PAGE = 100
# Our clock and Stripe's may differ; what was made long before the attempt is not of it.
_CLOCK_MARGIN = timedelta(days=1)

T = TypeVar("T")
Kind = Literal["payment_intent", "transfer"]
KINDS: tuple[Kind, ...] = ("payment_intent", "transfer")


class StripeAwayError(PayoutsError):
    """Stripe could not be asked, for now: nothing was sent or judged."""


class _Unanswered(Exception):  # noqa: N818 - what it is: a page that did not come
    """A page of a list did not come, so that what the list has is not known."""

    def __init__(self, answer: Refusal | Indeterminate) -> None:
        super().__init__()
        self.answer = answer

    @property
    def as_of_movement(self) -> Indeterminate:
        """A refused question says nothing about the money."""
        if isinstance(self.answer, Indeterminate):
            return self.answer
        return Indeterminate(ReasonCode.NOT_TO_BE_ASKED, {"code": self.answer.code}, self.answer.request_id)


class StripeClient:
    """Our account at Stripe. Safe to share between threads; counts the calls that it makes."""

    def __init__(
        self,
        api_key: str,
        api_base: str | None = None,
        rate_limiter: RateLimiter | None = None,
        timeout_s: float = TIMEOUT_S,
        wording: Wording = Wording(),  # noqa: B008 - frozen
    ) -> None:
        addresses: Any = {"api": api_base} if api_base else {}
        sdk = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            base_addresses=addresses,
            max_network_retries=0,
            http_client=http_client(api_base or stripe.DEFAULT_API_BASE, timeout_s),
        )
        self._services: Any = sdk.v1
        self._is_live = "_live_" in api_key
        self._rate_limiter = rate_limiter or NoRateLimiter()
        self._wording = wording
        self._lock = threading.Lock()
        self.calls = 0

    def account(self) -> str:
        """Whose the key is; raises PayoutsError where Stripe does not take it, StripeAwayError where it can't be asked.

        https://docs.stripe.com/api/accounts/retrieve: the account of the key, where none is named.
        """
        answer = self._ask(lambda: account_of(self._services.accounts.retrieve_current()))
        if isinstance(answer, Refusal):
            raise PayoutsError(f"Stripe refused our API key ({answer.code}): see that STRIPE_API_KEY is right.")
        if isinstance(answer, Indeterminate):
            raise StripeAwayError(
                f"Stripe can't be asked ({answer}): see STRIPE_API_BASE and the network, then run again."
            )
        return answer

    def look(self, call: Callable[[Any], T]) -> T | Refusal | Indeterminate:
        """What a call of the SDK's services comes to that only reads; it also looks whether the answer is Stripe's."""
        return self._ask(lambda: call(self._services))

    @property
    def mode(self) -> str:
        """`live` or `test`, as the key says it (https://docs.stripe.com/keys)."""
        return "live" if self._is_live else "test"

    def newest(self, kind: Kind, since: datetime | None) -> Iterator[Any]:
        """Payment intents or transfers, newest first, each page a call; raises StripeAwayError without an answer."""
        try:
            yield from self._listed(kind, {"created": {"gte": _earliest(since)}} if since else {})
        except _Unanswered as unanswered:
            raise _cannot_be_asked(unanswered.answer) from None

    def send(self, attempt: Attempt, leased_until: float) -> Answer:
        """Ask Stripe to move the money of a committed attempt, under the attempt's own key.

        Not after ``leased_until`` (seconds of `time.time`): a process that was frozen, or waited too long for its turn,
        would send under a key that Stripe has forgotten, or after somebody else paid.
        """
        if attempt.is_return:
            return self._give_back(attempt, leased_until)
        is_charge = attempt.billing_type == BillingType.PLAYER_CHARGE
        call = partial(self._charge if is_charge else self._transfer, attempt)
        return self._ask(call, leased_until, None if is_charge else attempt.stripe_account_id)

    def find(self, attempt: Attempt) -> Found:
        """Ask Stripe what has become of the instruction's attempts, this one and the earlier ones. Moves nothing."""
        try:
            of_instruction = [each for each in self._things_of(attempt) if _names(each, attempt)]
        except _Unanswered as unanswered:
            return Found(unanswered.as_of_movement)
        if attempt.is_return:
            found = answered(lambda: stripe_returns.of_found(of_instruction, attempt))
        else:
            found = answered(lambda: of_found(of_instruction, _kind_of(attempt), attempt))
        return found if isinstance(found, Found) else Found(found)

    def confirm(self, attempt: Attempt) -> Succeeded | Indeterminate:
        """Ask Stripe whether the movement that a person has named is what the attempt asked for."""
        reference = str(attempt.judged_reference)
        answer = self._ask(lambda: self._named(attempt, reference))
        if isinstance(answer, Refusal) and answer.code == NO_SUCH_OBJECT:
            return Indeterminate(ReasonCode.JUDGED_OTHERWISE, {"reference": reference}, answer.request_id)
        return _Unanswered(answer).as_of_movement if isinstance(answer, Refusal) else answer

    def _named(self, attempt: Attempt, reference: str) -> Succeeded | Indeterminate:
        if attempt.is_return:
            return stripe_returns.of_named(stripe_returns.retrieve(self._services, attempt, reference), attempt)
        kind = _kind_of(attempt)
        return of_named(self._service(kind).retrieve(reference), kind, attempt)

    def cancel(self, payable: Iterable[str], leased_until: float) -> Indeterminate | None:
        """Have Stripe see to it that nobody pays these payment intents any more; None if nobody can."""
        for intent_id in payable:
            answer = self._ask(partial(self._cancel, intent_id), leased_until)
            if isinstance(answer, Refusal):
                return Indeterminate(ReasonCode.EARLIER_MAY_BE_PAID, {"code": answer.code}, answer.request_id)
            if answer is not None:
                return answer
        return None

    def _cancel(self, intent_id: str) -> None:
        with failpoint(Failpoint.CANCEL_INTENT):
            intent = self._services.payment_intents.cancel(intent_id)
        of_cancelled(intent, intent_id)

    def movements(self, ledger_id: UUID, since: datetime, until: datetime | None) -> Iterator[Movement]:
        """All that Stripe has moved for instructions of a ledger, by when it was made there; a call for each hundred.

        Raises PayoutsError where Stripe can't be asked.
        """
        created = {"gte": _earliest(since)}
        if until:
            created["lte"] = int((until + _CLOCK_MARGIN).timestamp())
        try:
            for intent in self._listed("payment_intent", {"created": created}):
                if intent.status == "succeeded" and ledger_of(intent) == str(ledger_id):
                    yield movement_of(intent, "payment_intent")
            for transfer in self._listed("transfer", {"created": created}):
                if ledger_of(transfer) == str(ledger_id):
                    yield movement_of(transfer, "transfer")
        except _Unanswered as unanswered:
            raise _cannot_be_asked(unanswered.answer) from None

    def movement(self, kind: Kind, reference: str) -> Movement | None:
        """One movement by its id, None where Stripe has none; raises PayoutsError where Stripe can't be asked."""
        found = self._ask(lambda: movement_of(self._service(kind).retrieve(reference), kind))
        if isinstance(found, Refusal) and found.code == NO_SUCH_OBJECT:
            return None
        if isinstance(found, Refusal | Indeterminate):
            raise _cannot_be_asked(found)
        return found

    def default_payment_method(self, customer_id: str) -> str | Refusal | Indeterminate:
        """The customer's own default, which a charge has to name: Stripe does not fill it in off-session."""
        customers = self._services.customers
        return self._ask(lambda: default_method_of(customers.retrieve(customer_id), customer_id))

    def _charge(self, attempt: Attempt) -> Answer:
        params = _in_common(attempt) | {
            "customer": attempt.stripe_customer_id,
            "payment_method": attempt.stripe_payment_method_id,
            "off_session": True,
            "confirm": True,
            # Nobody is there to be redirected: an intent that could redirect is refused for want of a `return_url`.
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "description": f"{self._wording.description}, {attempt.day}",
            "statement_descriptor_suffix": self._wording.statement_suffix,
        }
        intents = self._services.payment_intents
        with failpoint(Failpoint.CHARGE):
            intent = intents.create(params, {"idempotency_key": attempt.idempotency_key})
        return of_intent(intent, attempt)

    def _transfer(self, attempt: Attempt) -> Answer:
        params = _in_common(attempt) | {"destination": attempt.stripe_account_id}
        transfers = self._services.transfers
        with failpoint(Failpoint.TRANSFER):
            transfer = transfers.create(params, {"idempotency_key": attempt.idempotency_key})
        return of_transfer(transfer, attempt)

    def _give_back(self, attempt: Attempt, leased_until: float) -> Answer:
        metadata = {**_metadata(attempt), "target": str(attempt.target)}
        call = partial(stripe_returns.create, self._services, attempt, metadata)
        return stripe_returns.of_refused(self._ask(call, leased_until, attempt.stripe_account_id))

    def _things_of(self, attempt: Attempt) -> Iterator[Any]:
        """What Stripe may have of an instruction."""
        if attempt.is_return:
            return self._paged(partial(stripe_returns.page, self._services, attempt), {})
        return self._charges_of(attempt) if _kind_of(attempt) == "payment_intent" else self._transfers_of(attempt)

    def _charges_of(self, attempt: Attempt) -> Iterator[Any]:
        """All that the customers of the attempts were asked for since the day of the instruction."""
        since = min(attempt.first_sent_at, datetime.combine(attempt.day, time_of_day.min, UTC))
        for customer_id in sorted({attempt.payee, *attempt.payees} - {""}):
            yield from self._listed("payment_intent", {"customer": customer_id, "created": {"gte": _earliest(since)}})

    def _transfers_of(self, attempt: Attempt) -> Iterator[Any]:
        return self._listed("transfer", {"transfer_group": str(attempt.instruction_id)})

    def _listed(self, kind: str, params: Mapping[str, Any]) -> Iterator[Any]:
        """Every object of a kind."""
        service = self._service(kind)
        return self._paged(lambda wanted: of_page(service.list(wanted), kind, wanted), params)

    def _paged(self, page_of: Callable[[dict[str, Any]], Any], params: Mapping[str, Any]) -> Iterator[Any]:
        """Page by page, each page a call of its own; raises _Unanswered for one that fails."""
        wanted = {**params, "limit": _PAGE}
        while True:
            page: Any = self._ask(lambda: page_of(wanted))
            if isinstance(page, Refusal | Indeterminate):
                raise _Unanswered(page)
            yield from page.data
            if not page.has_more:
                return
            wanted["starting_after"] = page.data[-1].id

    def _service(self, kind: str) -> Any:
        return self._services.payment_intents if kind == "payment_intent" else self._services.transfers

    def _ask(
        self, call: Callable[[], T], until: float = math.inf, payee: str | None = None
    ) -> T | Refusal | Indeterminate:
        """Make a call, and again where Stripe turned it away unseen and wants it again."""
        for tried in range(_RATE_LIMIT_TRIES):
            self._rate_limiter.wait()
            if time.time() > until:
                return Indeterminate(ReasonCode.HELD_UP)
            with self._lock:
                self.calls += 1
            answer = answered(call, payee)
            if not (isinstance(answer, Refusal) and answer.repeat_at_once):
                return answer
            if answer.code == "rate_limit":
                self._rate_limiter.slow_down(answer.retry_after)
            _pause(tried, answer.retry_after)
        return answer


def _cannot_be_asked(answer: Refusal | Indeterminate) -> PayoutsError:
    why = answer.code if isinstance(answer, Refusal) else answer
    return StripeAwayError(f"Stripe can't be asked for its movements ({why}): try again in a while.")


def _in_common(attempt: Attempt) -> dict[str, Any]:
    """What a charge and a transfer of an attempt have in common; the same attempt always says the same."""
    return {
        "amount": attempt.amount_minor,
        "currency": attempt.currency.lower(),
        "transfer_group": str(attempt.instruction_id),
        "metadata": _metadata(attempt),
    }


def _metadata(attempt: Attempt) -> dict[str, str]:
    return {
        "ledger": str(attempt.ledger_id),
        "instruction_id": str(attempt.instruction_id),
        "attempt": str(attempt.number),
        "day": str(attempt.day),
        "billing_type": str(attempt.billing_type),
    }


def _kind_of(attempt: Attempt) -> Kind:
    return "payment_intent" if attempt.billing_type == BillingType.PLAYER_CHARGE else "transfer"


def _names(thing: Any, attempt: Attempt) -> bool:
    """Whether a payment intent or a transfer is of the attempt's instruction, and nobody has said that it is not."""
    return instruction_of(thing) == str(attempt.instruction_id) and thing.id not in attempt.disowned


def _earliest(since: datetime) -> int:
    """As Stripe takes it, with room for clocks that differ."""
    return int((since - _CLOCK_MARGIN).timestamp())


def _pause(tried: int, retry_after: timedelta | None) -> None:
    """As long as Stripe says, else twice as long each time, at random so that threads spread out."""
    wanted_s = retry_after.total_seconds() if retry_after else _RATE_LIMIT_PAUSE_S * 2**tried
    time.sleep(min(wanted_s, _LONGEST_PAUSE_S) * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
