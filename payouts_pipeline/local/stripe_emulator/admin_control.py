"""Operations of the admin API on the emulator itself: its health, clock, counters, faults, and a new start."""

from payouts_pipeline.local.stripe_emulator.admin_request import AdminRequest, BadAdminRequestError
from payouts_pipeline.local.stripe_emulator.models import ClockChange, FaultRules
from payouts_pipeline.local.stripe_emulator.store import JsonObject


def health(request: AdminRequest) -> JsonObject:
    """`GET /health`."""
    return {"status": "ok"}


def clock(request: AdminRequest) -> JsonObject:
    """`GET /clock`."""
    return {"now": request.now, "offset_s": request.dispatcher.clock.offset_s}


def advance_clock(request: AdminRequest) -> JsonObject:
    """`POST /clock`: forward only."""
    request.dispatcher.clock.advance(request.parsed(ClockChange).advance_s)
    return clock(request)


def counters(request: AdminRequest) -> JsonObject:
    """`GET /counters`: calls of Stripe's API by method and path, of all accounts and modes."""
    return {"counters": dict(request.dispatcher.store.rows("all_counters"))}


def faults(request: AdminRequest) -> JsonObject:
    """`GET /faults`."""
    return {"rules": [state.model_dump(mode="json") for state in request.dispatcher.faults.all()]}


def add_faults(request: AdminRequest) -> JsonObject:
    """`POST /faults`: put rules in force, after those that are."""
    added = request.dispatcher.faults.add(request.parsed(FaultRules).rules)
    return {"rules": [state.model_dump(mode="json") for state in added]}


def clear_faults(request: AdminRequest) -> JsonObject:
    """`DELETE /faults`."""
    request.dispatcher.faults.clear()
    return faults(request)


def reset(request: AdminRequest) -> JsonObject:
    """`POST /reset`: as on the first day, with the default account and its key alone."""
    if request.books is not request.dispatcher.platforms.default:
        raise BadAdminRequestError("A reset is of all accounts and modes: ask for it without a key.")
    request.dispatcher.reset()
    return {"status": "ok"}
