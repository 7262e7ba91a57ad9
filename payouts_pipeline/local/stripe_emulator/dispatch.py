"""What happens to a request: who asks, what goes wrong, what is known of it already, and its execution."""

import asyncio
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from payouts_pipeline.local.stripe_emulator import idempotency
from payouts_pipeline.local.stripe_emulator.answers import (
    Answer,
    InvalidRequestError,
    StripeRefusalError,
    key_in_use,
    rate_limited,
    server_error,
    success,
    unknown_url,
)
from payouts_pipeline.local.stripe_emulator.call import Call
from payouts_pipeline.local.stripe_emulator.cards import Decline, card_declined
from payouts_pipeline.local.stripe_emulator.clock import Clock
from payouts_pipeline.local.stripe_emulator.endpoints import Endpoint
from payouts_pipeline.local.stripe_emulator.faults import Faults
from payouts_pipeline.local.stripe_emulator.forms import checked, nested
from payouts_pipeline.local.stripe_emulator.listing import expand
from payouts_pipeline.local.stripe_emulator.models import FaultKind, FaultRule
from payouts_pipeline.local.stripe_emulator.request import FORM, ApiRequest
from payouts_pipeline.local.stripe_emulator.store import JsonObject, Store

log = logging.getLogger(__name__)


class Dispatcher:
    """Answers requests one at a time: what lies between two `await`s is atomic, and no execution has one."""

    def __init__(self, store: Store, api_key: str) -> None:
        self.store = store
        self.clock = Clock(store)
        self.faults = Faults(store)
        self._api_key = api_key
        self._keys_in_use: set[str] = set()

    async def respond(self, request: ApiRequest, endpoint: Endpoint | None) -> tuple[Answer, FaultRule | None]:
        """Return the answer, and the fault that the sender of the answer has to take part in."""
        self.store.run("count_call", endpoint=request.endpoint)
        fault = self.faults.arriving(request)
        answer = _early_answer(request, fault) or await self._answer_in_time(request, endpoint, fault)
        return answer, fault

    async def _answer_in_time(self, request: ApiRequest, endpoint: Endpoint | None, fault: FaultRule | None) -> Answer:
        key = request.idempotency_key
        if key in self._keys_in_use:
            return key_in_use(key)
        kind, delay_s = (fault.kind, fault.delay_s or 0) if fault else (None, 0)
        if kind is FaultKind.EXPIRE_KEY and key:
            self.store.run("forget_key", key=key)
        if kind is FaultKind.SLOW:
            with self._in_use(key):
                await asyncio.sleep(delay_s)
        answer = self._answer(request, endpoint)
        if kind is FaultKind.SLOW_AFTER:
            await asyncio.sleep(delay_s)
        return answer

    @contextmanager
    def _in_use(self, key: str | None) -> Iterator[None]:
        if key is None:
            yield
            return
        self._keys_in_use.add(key)
        try:
            yield
        finally:
            self._keys_in_use.discard(key)

    def _answer(self, request: ApiRequest, endpoint: Endpoint | None) -> Answer:
        try:
            self._authenticate(request)
            if endpoint is None:
                raise unknown_url(request.method, request.path)
            return self._remembered(request) or self._executed(request, endpoint)
        except StripeRefusalError as refusal:
            return refusal.answer
        except Exception:
            log.exception("%s failed in the emulator itself", request.endpoint)
            return server_error(stored=False)

    def _authenticate(self, request: ApiRequest) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise InvalidRequestError(
                "You did not provide an API key. You need to provide your API key in the Authorization "
                "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
                "https://stripe.com/docs/api#authentication for details, or we can help at "
                "https://support.stripe.com/.",
                status=401,
            )
        if not secrets.compare_digest(key.encode(), self._api_key.encode()):
            raise InvalidRequestError(f"Invalid API Key provided: {_masked(key)}", status=401)

    def _remembered(self, request: ApiRequest) -> Answer | None:
        key = request.idempotency_key
        if not key:
            return None
        idempotency.check_key(key)
        return idempotency.recall(self.store, request, key, self.clock.now())

    def _executed(self, request: ApiRequest, endpoint: Endpoint) -> Answer:
        params = _checked_params(request, endpoint)
        now, key = self.clock.now(), request.idempotency_key
        with self.store.transaction():
            fault = self.faults.executing(request)
            call = Call(
                store=self.store,
                now=now,
                request_id=request.request_id,
                idempotency_key=key,
                params=params,
                path_id=request.path_id,
                forced_decline=_forced_decline(fault),
                forced_shortage=fault is not None and fault.kind is FaultKind.BALANCE_INSUFFICIENT,
            )
            answer = _run(endpoint, call, fault)
            if key:
                idempotency.remember(self.store, request, key, answer, now)
        return answer


def _early_answer(request: ApiRequest, fault: FaultRule | None) -> Answer | None:
    """Return the answer of a fault that keeps the request from being looked at."""
    if fault is None:
        return None
    match fault.kind:
        case FaultKind.DROP_BEFORE | FaultKind.ERROR_500:
            return server_error(stored=False)
        case FaultKind.CONFLICT_409:
            return key_in_use(request.idempotency_key)
        case FaultKind.RATE_LIMIT_429:
            return rate_limited(fault.retry_after_s, fault.code)
    return None


def _checked_params(request: ApiRequest, endpoint: Endpoint) -> JsonObject:
    content_type = request.headers.get("content-type", FORM)
    if request.method == "POST" and not content_type.startswith(FORM):
        raise InvalidRequestError(f"Invalid request (check that your POST content type is {FORM}).")
    return checked(nested(request.pairs), endpoint.params)


def _run(endpoint: Endpoint, call: Call, fault: FaultRule | None) -> Answer:
    stored_500 = fault is not None and fault.kind is FaultKind.STORED_500
    if stored_500 and fault is not None and not fault.acted:
        return server_error(stored=True)
    try:
        answer = success(expand(call, endpoint.handler(call)))
    except InvalidRequestError:
        raise
    except StripeRefusalError as refusal:
        answer = refusal.answer
    return server_error(stored=True) if stored_500 else answer


def _forced_decline(fault: FaultRule | None) -> Decline | None:
    if fault is None or fault.kind is not FaultKind.DECLINE:
        return None
    decline = card_declined(fault.decline_code or "generic_decline")
    return Decline(fault.code or decline.code, decline.decline_code, decline.message)


def _masked(key: str) -> str:
    return f"{key[:8]}{'*' * max(len(key) - 12, 4)}{key[-4:]}" if len(key) > 12 else "*" * len(key)
