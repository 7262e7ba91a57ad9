"""Events: what Stripe tells of every change, kept for 30 days (https://docs.stripe.com/api/events).

What happens to a connected account is an event of that account: only a list on its behalf (`Stripe-Account`) has it.
Source: Stripe's answer in https://github.com/stripe/stripe-go/issues/315.
"""

import json
from string import hexdigits
from typing import Any

from payouts_pipeline.local.stripe_emulator.answers import InvalidRequestError, not_found, path_not_found
from payouts_pipeline.local.stripe_emulator.call import Call
from payouts_pipeline.local.stripe_emulator.forms import Param, Spec, text, texts
from payouts_pipeline.local.stripe_emulator.listing import DEFAULT_PAGE_SIZE, PAGE, check_one_direction, page
from payouts_pipeline.local.stripe_emulator.request import API_VERSION
from payouts_pipeline.local.stripe_emulator.store import JsonObject

LIST: Spec = {**PAGE, "type": Param(text), "types": Param(texts)}
KEPT_S = 30 * 24 * 60 * 60
MAX_TYPES = 20
COMPACT = (",", ":")
# How many digits of an id say its place.
PLACE_DIGITS = 12
# Further than any clock goes.
_END_OF_TIME = 2**53


def tell(
    call: Call, kind: str, changed: JsonObject, previous: JsonObject | None = None, account: str | None = None
) -> None:
    """Write down that something happened to an object; `previous` are the fields as they were before."""
    call.store.run(
        "insert_event",
        type=kind,
        account=account,
        created=call.now,
        object=json.dumps(changed, separators=COMPACT),
        previous=json.dumps(previous) if previous else None,
        request_id=None if call.owner_authenticates else call.request_id,
        idempotency_key=call.idempotency_key,
    )


def retrieve(call: Call) -> JsonObject:
    """`GET /v1/events/{id}`."""
    event_id = call.path_id
    row = call.store.row("find_event", id=event_id, seq=_seq(event_id), account=call.account, oldest=call.now - KEPT_S)
    if row is None:
        raise path_not_found("event", event_id)
    return _shown(call, row)


def list_page(call: Call) -> JsonObject:
    """`GET /v1/events`: the newest first, of one type, of some, or of a group such as `charge.*`."""
    limit = call.params.get("limit", DEFAULT_PAGE_SIZE)
    values = {"account": call.account, "types": _wanted_types(call), "limit": limit + 1, **_times(call)}
    check_one_direction(call)
    if "ending_before" in call.params:
        found = call.store.rows("list_events_after", after=_place(call, "ending_before"), **values)[::-1]
        kept = found[-limit:]
    else:
        before = _place(call, "starting_after") if "starting_after" in call.params else None
        found = call.store.rows("list_events", before=before, **values)
        kept = found[:limit]
    return page([_shown(call, row) for row in kept], "/v1/events", has_more=len(found) > limit)


def _wanted_types(call: Call) -> str | None:
    given = call.params
    if {"type", "types"} <= given.keys():
        raise InvalidRequestError("You may only specify one of these parameters: type, types.")
    if len(given.get("types", ())) > MAX_TYPES:
        raise InvalidRequestError(f"You may specify at most {MAX_TYPES} types.", param="types")
    wanted = [given["type"]] if "type" in given else given.get("types")
    return json.dumps(wanted) if wanted else None


def _times(call: Call) -> dict[str, int]:
    """Return the first and the last second that are wanted and still known."""
    given = {name.removeprefix("created_"): value for name, value in call.params.get("created", {}).items()}
    oldest = max(given.get("gte", 0), given.get("gt", -1) + 1, given.get("created", 0), call.now - KEPT_S)
    bounds = (given.get("lte"), given.get("lt", _END_OF_TIME) - 1, given.get("created"))
    return {"oldest": oldest, "latest": min(bound for bound in bounds if bound is not None)}


def _place(call: Call, param: str) -> int:
    event_id = call.params[param]
    row = call.store.row("seq_of_event", id=event_id, seq=_seq(event_id), account=call.account)
    if row is None:
        raise not_found("event", event_id, param)
    return int(row[0])


def _seq(event_id: str) -> int:
    """Return the place that an id ends with, or one where no event is."""
    place = event_id[-PLACE_DIGITS:]
    return int(place, 16) if all(digit in hexdigits for digit in place) else -1


def _shown(call: Call, row: tuple[Any, ...]) -> JsonObject:
    event_id, kind, account, created, changed, previous, request_id, idempotency_key = row
    data = {"object": json.loads(changed)} | ({"previous_attributes": json.loads(previous)} if previous else {})
    return {
        "id": event_id,
        "object": "event",
        **({"account": account} if account else {}),
        "api_version": API_VERSION,
        "created": created,
        "data": data,
        "livemode": call.livemode,
        "pending_webhooks": 0,
        "request": {"id": request_id, "idempotency_key": idempotency_key},
        "type": kind,
    }
