"""Lists and single objects by id: what all kinds of Stripe objects have in common."""

from collections.abc import Callable

from payouts_pipeline.local.stripe_emulator import objects
from payouts_pipeline.local.stripe_emulator.answers import InvalidRequestError, not_found
from payouts_pipeline.local.stripe_emulator.call import Call
from payouts_pipeline.local.stripe_emulator.forms import Param, Spec, created, page_size, text, texts
from payouts_pipeline.local.stripe_emulator.store import JsonObject

DEFAULT_PAGE_SIZE = 10
PAGE: Spec = {
    "created": Param(created),
    "limit": Param(page_size),
    "starting_after": Param(text),
    "ending_before": Param(text),
    "expand": Param(texts),
}
EXPANDABLE = (
    "balance_transaction",
    "charge",
    "customer",
    "destination",
    "failure_balance_transaction",
    "latest_charge",
    "payment_intent",
    "payment_method",
    "source",
    "source_transaction",
    "transfer",
)

Handler = Callable[[Call], JsonObject]


def retriever(kind: str) -> Handler:
    """Return a handler for `GET /v1/{kind}s/{id}`."""

    def retrieve(call: Call) -> JsonObject:
        return objects.shown(call.require_path_object(kind), call.now)

    return retrieve


def lister(kind: str, url: str, filters: tuple[str, ...]) -> Handler:
    """Return a handler for `GET {url}`: newest first, filtered by those fields and `created`, in pages."""

    def list_page(call: Call) -> JsonObject:
        limit = call.params.get("limit", DEFAULT_PAGE_SIZE)
        wanted = {name: call.params[name] for name in filters if name in call.params}
        wanted |= call.params.get("created", {})
        wanted |= _page_bounds(call, kind)
        found = call.store.list_objects(kind, wanted, limit + 1, call.account)
        kept = found[-limit:] if "newer_than" in wanted else found[:limit]
        return page([objects.shown(body, call.now) for body in kept], url, has_more=len(found) > limit)

    return list_page


def page(data: list[JsonObject], url: str, *, has_more: bool) -> JsonObject:
    """Return one page of a list."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def check_one_direction(call: Call) -> None:
    """Refuse a page that is to be in two places."""
    if {"starting_after", "ending_before"} <= call.params.keys():
        message = "Received both starting_after and ending_before parameters. Please pass in only one."
        raise InvalidRequestError(message)


def _page_bounds(call: Call, kind: str) -> dict[str, int]:
    check_one_direction(call)
    bounds = {"starting_after": "older_than", "ending_before": "newer_than"}
    return {
        bound: _position(call, kind, call.params[name], name) for name, bound in bounds.items() if name in call.params
    }


def _position(call: Call, kind: str, object_id: str, param: str) -> int:
    row = call.store.row("seq_of_object", kind=kind, id=object_id)
    if row is None:
        raise not_found(kind, object_id, param, call.other_mode_with(kind, object_id))
    return int(row[0])


def expand(call: Call, body: JsonObject) -> JsonObject:
    """Replace ids by their objects where the caller asked for it in `expand[]`; `data.` means every row."""
    for path in call.params.get("expand", ()):
        names = path.split(".")
        if names[0] == "data" and body["object"] == "list":
            for row in body["data"]:
                _expand_path(call, row, names[1:], path)
        else:
            _expand_path(call, body, names, path)
    return body


def _expand_path(call: Call, body: JsonObject, names: list[str], path: str) -> None:
    for name in names:
        if name not in EXPANDABLE or name not in body:
            message = f"This property cannot be expanded ({path})."
            raise InvalidRequestError(message, code="property_not_expandable", param="expand")
        if isinstance(body[name], str):
            body[name] = call.store.get_any(body[name]) or body[name]
        if not isinstance(body[name], dict):
            return
        body = objects.shown(body[name], call.now)
