"""The admin API under `/_emulator`: what a test or the sample season can see and change, in JSON."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPMethod
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from payouts_pipeline.local.stripe_emulator import models, objects
from payouts_pipeline.local.stripe_emulator.balance import AVAILABILITY_DELAY, release_due
from payouts_pipeline.local.stripe_emulator.cards import TEST_CARDS
from payouts_pipeline.local.stripe_emulator.currencies import SUPPORTED
from payouts_pipeline.local.stripe_emulator.dispatch import Dispatcher
from payouts_pipeline.local.stripe_emulator.store import JsonObject

JOURNAL_COLUMNS = tuple(models.JournalRow.model_fields)
Model = TypeVar("Model", bound=BaseModel)


class BadAdminRequestError(Exception):
    """One sentence on what is wrong with the request."""


@dataclass(frozen=True, slots=True)
class AdminRequest:
    """The parameters of an operation."""

    query: dict[str, str]
    body: bytes


class AdminApi:
    """One method per operation; each gives the JSON to answer with."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._store = dispatcher.store
        self._clock = dispatcher.clock
        self._faults = dispatcher.faults

    def health(self, request: AdminRequest) -> JsonObject:
        """`GET /health`."""
        return {"status": "ok"}

    def journal(self, request: AdminRequest) -> JsonObject:
        """`GET /journal?after=N&limit=M`: movements in order, up to 5,000 a page."""
        after, limit = (
            _whole(request.query, "after", 0),
            min(_whole(request.query, "limit", 1000), models.MAX_JOURNAL_PAGE),
        )
        found = self._store.rows("read_journal", after=after, limit=limit + 1)
        rows = [dict(zip(JOURNAL_COLUMNS, row, strict=True)) for row in found[:limit]]
        for row in rows:
            row["metadata"] = json.loads(row["metadata"])
        return {
            "rows": rows,
            "has_more": len(found) > limit,
            "next_after": rows[-1]["seq"] if rows else after,
        }

    def clock(self, request: AdminRequest) -> JsonObject:
        """`GET /clock`."""
        return {"now": self._clock.now(), "offset_s": self._clock.offset_s}

    def advance_clock(self, request: AdminRequest) -> JsonObject:
        """`POST /clock`: forward only."""
        self._clock.advance(_parsed(models.ClockChange, request.body).advance_s)
        return self.clock(request)

    def put_accounts(self, request: AdminRequest) -> JsonObject:
        """`POST /accounts`: create accounts under chosen ids, or change how they behave."""
        seeds = _parsed(models.AccountSeeds, request.body).accounts
        for seed in seeds:
            receives = seed.behaviour is not models.AccountBehaviour.NO_TRANSFERS
            account = objects.account(
                seed.id, self._clock.now(), {"country": seed.country}, "active" if receives else "inactive"
            )
            self._upsert(account)
            closed = seed.behaviour is models.AccountBehaviour.CLOSED
            self._store.run("close_account" if closed else "open_account", id=seed.id)
        return {"accounts": len(seeds)}

    def put_customers(self, request: AdminRequest) -> JsonObject:
        """`POST /customers`: create customers under chosen ids, or change their default card."""
        seeds = _parsed(models.CustomerSeeds, request.body).customers
        for seed in seeds:
            customer = self._store.get("customer", seed.id) or objects.customer(seed.id, self._clock.now(), {})
            customer["invoice_settings"]["default_payment_method"] = self._seeded_method(seed)
            self._upsert(customer)
        return {"customers": len(seeds)}

    def _seeded_method(self, seed: models.CustomerSeed) -> str | None:
        method_id = seed.default_payment_method
        if method_id is not None and method_id not in TEST_CARDS:
            card = seed.card or ""
            if card not in TEST_CARDS:
                raise BadAdminRequestError(
                    f"Payment method {method_id!r} is no test card: `card` must name the one it is made from."
                )
            self._upsert(objects.payment_method(method_id, card, self._clock.now(), seed.id))
        return method_id

    def _upsert(self, body: JsonObject) -> None:
        known = self._store.get(body["object"], body["id"])
        if known is None:
            self._store.insert(body)
        else:
            self._store.replace({**body, "created": known["created"]})

    def balance(self, request: AdminRequest) -> JsonObject:
        """`GET /balance`: minor units by currency."""
        release_due(self._store, self._clock.now())
        return {
            "available": dict(self._store.rows("all_available")),
            "pending": dict(self._store.rows("all_pending")),
            "availability_delay_s": self._store.setting(AVAILABILITY_DELAY),
        }

    def change_balance(self, request: AdminRequest) -> JsonObject:
        """`POST /balance`: set or add available amounts, or say how long new funds stay pending."""
        change = _parsed(models.BalanceChange, request.body)
        for currency in (*change.set, *change.add):
            if currency not in SUPPORTED:
                raise BadAdminRequestError(f"Currency {currency!r} is unknown; write it in lower case.")
        for currency, amount in change.set.items():
            self._store.run("set_available", currency=currency, amount=amount)
        for currency, amount in change.add.items():
            self._store.run("add_available", currency=currency, amount=amount)
        if change.availability_delay_s is not None:
            self._store.run("set_setting", name=AVAILABILITY_DELAY, value=change.availability_delay_s)
        return self.balance(request)

    def counters(self, request: AdminRequest) -> JsonObject:
        """`GET /counters`: calls of Stripe's API by method and path."""
        return {"counters": dict(self._store.rows("all_counters"))}

    def faults(self, request: AdminRequest) -> JsonObject:
        """`GET /faults`."""
        return {"rules": [state.model_dump(mode="json") for state in self._faults.all()]}

    def add_faults(self, request: AdminRequest) -> JsonObject:
        """`POST /faults`: put rules in force, after those that are."""
        added = self._faults.add(_parsed(models.FaultRules, request.body).rules)
        return {"rules": [state.model_dump(mode="json") for state in added]}

    def clear_faults(self, request: AdminRequest) -> JsonObject:
        """`DELETE /faults`."""
        self._faults.clear()
        return self.faults(request)

    def reset(self, request: AdminRequest) -> JsonObject:
        """`POST /reset`: as on the first day."""
        self._faults.clear()
        self._store.reset()
        self._clock.reset()
        return {"status": "ok"}


Operation = Callable[[AdminRequest], JsonObject]


def admin_routes(dispatcher: Dispatcher) -> list[Route]:
    """Return the routes of the admin API."""
    api = AdminApi(dispatcher)
    operations: list[tuple[str, HTTPMethod, Operation]] = [
        ("/health", HTTPMethod.GET, api.health),
        ("/journal", HTTPMethod.GET, api.journal),
        ("/clock", HTTPMethod.GET, api.clock),
        ("/clock", HTTPMethod.POST, api.advance_clock),
        ("/accounts", HTTPMethod.POST, api.put_accounts),
        ("/customers", HTTPMethod.POST, api.put_customers),
        ("/balance", HTTPMethod.GET, api.balance),
        ("/balance", HTTPMethod.POST, api.change_balance),
        ("/counters", HTTPMethod.GET, api.counters),
        ("/faults", HTTPMethod.GET, api.faults),
        ("/faults", HTTPMethod.POST, api.add_faults),
        ("/faults", HTTPMethod.DELETE, api.clear_faults),
        ("/reset", HTTPMethod.POST, api.reset),
    ]
    return [
        Route(path, _json_endpoint(dispatcher, operation), methods=[method]) for path, method, operation in operations
    ]


def _json_endpoint(dispatcher: Dispatcher, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        asked = AdminRequest(dict(request.query_params), await request.body())
        try:
            with dispatcher.store.transaction():
                return JSONResponse(operation(asked))
        except BadAdminRequestError as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return endpoint


def _parsed(model: type[Model], body: bytes) -> Model:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise BadAdminRequestError(str(error)) from error


def _whole(query: dict[str, str], name: str, default: int) -> int:
    value = query.get(name, str(default))
    if not value.isdecimal():
        raise BadAdminRequestError(f"Query parameter {name!r} must be a whole number.")
    return int(value)
