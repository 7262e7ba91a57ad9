"""The admin API under `/_emulator`: what a test or the sample season can see and change, in JSON.

A request with an API key in `Authorization` is about what that key's account has in its mode; without one it is
about the default account in test mode. Faults, counters and the clock are the emulator's own, of all of them.
"""

from collections.abc import Callable
from functools import partial
from http import HTTPMethod

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from payouts_pipeline.local.stripe_emulator import admin_books, admin_control, admin_money, admin_people
from payouts_pipeline.local.stripe_emulator.admin_request import AdminRequest, BadAdminRequestError
from payouts_pipeline.local.stripe_emulator.dispatch import Dispatcher
from payouts_pipeline.local.stripe_emulator.keys import masked
from payouts_pipeline.local.stripe_emulator.platforms import Books
from payouts_pipeline.local.stripe_emulator.request import bearer_token
from payouts_pipeline.local.stripe_emulator.store import JsonObject

Operation = Callable[[AdminRequest], JsonObject]

OPERATIONS: tuple[tuple[str, HTTPMethod, Operation], ...] = (
    ("/health", HTTPMethod.GET, admin_control.health),
    ("/journal", HTTPMethod.GET, admin_money.journal),
    ("/clock", HTTPMethod.GET, admin_control.clock),
    ("/clock", HTTPMethod.POST, admin_control.advance_clock),
    ("/platforms", HTTPMethod.POST, admin_people.put_platforms),
    ("/keys", HTTPMethod.POST, admin_people.put_keys),
    ("/accounts", HTTPMethod.POST, admin_people.put_accounts),
    ("/customers", HTTPMethod.POST, admin_people.put_customers),
    ("/payments", HTTPMethod.GET, admin_money.payments),
    ("/payments/end", HTTPMethod.POST, admin_money.end_payment),
    ("/payments/pay", HTTPMethod.POST, admin_money.pay),
    ("/balance", HTTPMethod.GET, admin_money.balance),
    ("/balance", HTTPMethod.POST, admin_money.change_balance),
    ("/fees", HTTPMethod.POST, admin_books.set_fees),
    ("/refunds/end", HTTPMethod.POST, admin_books.end_refund),
    ("/disputes", HTTPMethod.POST, admin_books.open_dispute),
    ("/disputes/end", HTTPMethod.POST, admin_books.end_dispute),
    ("/topups", HTTPMethod.POST, admin_books.top_up),
    ("/payouts", HTTPMethod.POST, admin_books.begin_payout),
    ("/payouts/end", HTTPMethod.POST, admin_books.end_payout),
    ("/accounts/capability", HTTPMethod.POST, admin_books.set_capability),
    ("/accounts/bank", HTTPMethod.POST, admin_books.set_bank),
    ("/transactions", HTTPMethod.POST, admin_books.book),
    ("/transactions/change", HTTPMethod.POST, admin_books.change),
    ("/counters", HTTPMethod.GET, admin_control.counters),
    ("/faults", HTTPMethod.GET, admin_control.faults),
    ("/faults", HTTPMethod.POST, admin_control.add_faults),
    ("/faults", HTTPMethod.DELETE, admin_control.clear_faults),
    ("/reset", HTTPMethod.POST, admin_control.reset),
)


def admin_routes(dispatcher: Dispatcher) -> list[Route]:
    """Return the routes of the admin API."""
    return [
        Route(path, partial(_answer, dispatcher, operation), methods=[method]) for path, method, operation in OPERATIONS
    ]


async def _answer(dispatcher: Dispatcher, operation: Operation, request: Request) -> Response:
    body = await request.body()
    try:
        books = _books(dispatcher, bearer_token(request.headers.get("authorization", "")))
        with books.store.transaction():
            return JSONResponse(operation(AdminRequest(dispatcher, books, dict(request.query_params), body)))
    except BadAdminRequestError as error:
        return JSONResponse({"error": str(error)}, status_code=400)


def _books(dispatcher: Dispatcher, key: str) -> Books:
    if not key:
        return dispatcher.platforms.default
    holder = dispatcher.platforms.holder(key)
    if holder is None:
        raise BadAdminRequestError(f"No account has the key {masked(key)}: give it to one with POST /keys first.")
    return holder.books
