"""What happens to a request: who asks, what goes wrong, what is known of it already, and its execution."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeAlias

from payouts_pipeline.local.stripe_emulator import accounts, due, idempotency, keys
from payouts_pipeline.local.stripe_emulator.answers import (
    EXECUTED,
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
from payouts_pipeline.local.stripe_emulator.platforms import Books, KeyHolder, Platforms
from payouts_pipeline.local.stripe_emulator.request import FORM, ApiRequest, check_version, new_request_id
from payouts_pipeline.local.stripe_emulator.store import JsonObject, Store

# The books of an account and mode, and an idempotency key that is in use for them.
UsedKey: TypeAlias = tuple[int, str]

log = logging.getLogger(__name__)


class Dispatcher:
    """Answers requests one at a time: what lies between two `await`s is atomic, and no execution has one."""

    def __init__(self, store: Store, api_key: str) -> None:
        self.store = store
        self.clock = Clock(store)
        self.faults = Faults(store)
        self.platforms = Platforms(store, api_key)
        self._keys_in_use: set[UsedKey] = set()

    def reset(self) -> None:
        """Forget everything, of all accounts and modes."""
        self.faults.clear()
        self.store.reset()
        self.platforms.reset()
        self.clock.reset()

    def call_of_nobody(self, books: Books, params: JsonObject) -> Call:
        """Return an execution without a caller, such as a player's payment by the bank's app."""
        return Call(
            books=books,
            platform=self.platforms.profile(books.platform_id),
            now=self.clock.now(),
            request_id=new_request_id(),
            params=params,
            owner_authenticates=True,
        )

    async def respond(self, request: ApiRequest, endpoint: Endpoint | None) -> tuple[Answer, FaultRule | None]:
        """Return the answer, and the fault that the sender of the answer has to take part in."""
        self.store.run("count_call", endpoint=request.endpoint)
        fault = self.faults.arriving(request)
        answer = _early_answer(request, fault) or await self._answer_in_time(request, endpoint, fault)
        return answer, fault

    async def _answer_in_time(self, request: ApiRequest, endpoint: Endpoint | None, fault: FaultRule | None) -> Answer:
        holder = self.platforms.holder(request.api_key)
        used = (id(holder.books), request.idempotency_key) if holder and request.idempotency_key else None
        if used in self._keys_in_use:
            return key_in_use(request.idempotency_key)
        kind, delay_s = (fault.kind, fault.delay_s or 0) if fault else (None, 0)
        if kind is FaultKind.EXPIRE_KEY and holder and used:
            holder.books.store.run("forget_key", key=request.idempotency_key)
        if kind is FaultKind.SLOW:
            with self._in_use(used):
                await asyncio.sleep(delay_s)
        answer = self._answer(request, endpoint)
        if kind is FaultKind.SLOW_AFTER:
            await asyncio.sleep(delay_s)
        return answer

    @contextmanager
    def _in_use(self, used: UsedKey | None) -> Iterator[None]:
        if used is None:
            yield
            return
        self._keys_in_use.add(used)
        try:
            yield
        finally:
            self._keys_in_use.discard(used)

    def _answer(self, request: ApiRequest, endpoint: Endpoint | None) -> Answer:
        try:
            holder = keys.authenticated(self.platforms, request)
            if endpoint is None:
                raise unknown_url(request.method, request.path)
            keys.check_permission(holder, endpoint)
            check_version(request.stripe_version)
            return self._remembered(holder, request) or self._executed(holder, request, endpoint)
        except StripeRefusalError as refusal:
            return refusal.answer
        except Exception:
            log.exception("%s failed in the emulator itself", request.endpoint)
            return server_error(stored=False)

    def _remembered(self, holder: KeyHolder, request: ApiRequest) -> Answer | None:
        key = request.idempotency_key
        if not key:
            return None
        idempotency.check_key(key)
        return idempotency.recall(holder.books.store, request, key, self.clock.now())

    def _executed(self, holder: KeyHolder, request: ApiRequest, endpoint: Endpoint) -> Answer:
        params = _checked_params(request, endpoint)
        account = keys.connected_account(holder, request, endpoint)
        store, key = holder.books.store, request.idempotency_key
        with store.transaction():
            fault = self.faults.executing(request)
            call = self._call(holder, request, params, fault, account)
            accounts.check_acting(call)
            due.settle(call)
            answer = _run(endpoint, call, fault)
            if key:
                idempotency.remember(store, request, key, answer, call.now)
        return answer

    def _call(
        self, holder: KeyHolder, request: ApiRequest, params: JsonObject, fault: FaultRule | None, account: str | None
    ) -> Call:
        return Call(
            books=holder.books,
            platform=self.platforms.profile(holder.books.platform_id),
            now=self.clock.now(),
            request_id=request.request_id,
            params=params,
            path_id=request.path_id,
            path_child_id=request.path_child_id,
            account=account,
            idempotency_key=request.idempotency_key,
            masked_key=keys.masked(request.api_key),
            stripe_version=request.stripe_version,
            forced_decline=_forced_decline(fault),
            forced_shortage=fault is not None and fault.kind is FaultKind.BALANCE_INSUFFICIENT,
        )


def _early_answer(request: ApiRequest, fault: FaultRule | None) -> Answer | None:
    """Return the answer of a fault that keeps the request from being looked at."""
    if fault is None:
        return None
    match fault.kind:
        case FaultKind.DROP_BEFORE | FaultKind.ERROR_500:
            return server_error(stored=False)
        case FaultKind.OTHER_ANSWER if not fault.acted:
            # What it says is put in place of this one where the answer is sent.
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
        answer = success(expand(call, endpoint.handler(call)), EXECUTED)
    except InvalidRequestError:
        raise
    except StripeRefusalError as refusal:
        answer = refusal.answer
    if endpoint.method != "POST":
        # Of what moves nothing Stripe does not say whether it is worth a retry.
        answer = replace(answer, headers=())
    return server_error(stored=True) if stored_500 else answer


def _forced_decline(fault: FaultRule | None) -> Decline | None:
    if fault is None or fault.kind is not FaultKind.DECLINE:
        return None
    decline = card_declined(fault.decline_code or "generic_decline")
    return Decline(fault.code or decline.code, decline.decline_code, decline.message)
