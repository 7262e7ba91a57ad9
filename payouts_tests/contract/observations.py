"""What a provider said to one call, with all left out that differs from run to run: ids, times, sums, wordings."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from payouts_pipeline.domain.refusals import Refusal
from payouts_pipeline.settlement.stripe_answers import Found, Indeterminate, Succeeded
from payouts_pipeline.settlement.stripe_client import API_VERSION
from payouts_tests.contract.scene import Scene
from payouts_tests.contract.wire import Exchange

Observation: TypeAlias = dict[str, Any]

# What the pipeline reads of each kind of object; Stripe never leaves out any of it.
FIELDS: Mapping[str, frozenset[str]] = {
    "payment_intent": frozenset(
        "id object amount currency created customer last_payment_error latest_charge livemode metadata payment_method "
        "status transfer_group automatic_payment_methods description statement_descriptor_suffix".split()
    ),
    "transfer": frozenset(
        "id object amount amount_reversed created currency destination livemode metadata reversed "
        "transfer_group".split()
    ),
    "customer": frozenset("id object created default_source invoice_settings livemode metadata".split()),
    "payment_method": frozenset("id object card created customer livemode metadata type".split()),
    "account": frozenset("id object capabilities charges_enabled details_submitted payouts_enabled type".split()),
    "payout": frozenset("id object amount created currency failure_code livemode status".split()),
    "balance": frozenset("object available livemode pending".split()),
    "list": frozenset("object data has_more url".split()),
}
# What an object names by id.
_OTHERS = ("customer", "payment_method")
# These are written for people, or name the request.
_FOR_PEOPLE = {"doc_url", "message", "request_log_url"}


def observed(scene: Scene, exchange: Exchange, verdict: Any) -> Observation:
    """The answer of one call, field by field, and what our own code makes of it."""
    body = exchange.body
    error = body.get("error")
    said = _of_error(scene, error) if isinstance(error, dict) else _of_object(scene, body)
    return {"http status": exchange.status, **_of_headers(exchange), **said, "verdict": verdict_of(scene, verdict)}


def _of_headers(exchange: Exchange) -> Observation:
    headers = exchange.headers
    original = headers.get("original-request")
    return {
        "request id": "request-id" in headers,
        "original request": original and ("own" if original == headers.get("request-id") else "an earlier one"),
        "replayed": headers.get("idempotent-replayed"),
        "should retry": headers.get("stripe-should-retry"),
        "speaks our version": headers.get("stripe-version") == API_VERSION,
    }


def _of_error(scene: Scene, error: Mapping[str, Any]) -> Observation:
    intent = error.get("payment_intent") or {}
    return {
        "error type": error.get("type"),
        "error code": error.get("code"),
        "decline code": error.get("decline_code"),
        "param": error.get("param"),
        "error fields": sorted(error.keys() - _FOR_PEOPLE),
        **{f"intent's {name}": value for name, value in (_of_object(scene, intent) if intent else {}).items()},
    }


def _of_object(scene: Scene, body: Mapping[str, Any]) -> Observation:
    kind = str(body.get("object"))
    if kind == "list":
        return _of_list(scene, body)
    said = {"object": kind, "missing fields": _missing(body), "thing": _name(scene, body.get("id"))}
    said |= {name: body[name] for name in ("status", "amount", "deleted", "livemode") if name in body}
    said |= {name.replace("_", " "): _name(scene, body[name]) for name in _OTHERS if name in body}
    if "currency" in body:
        said["currency"] = "as asked" if body["currency"] == scene.setup.currency else body["currency"]
    if "last_payment_error" in body:
        said["last payment error"] = _code(body["last_payment_error"])
    return said


def _of_list(scene: Scene, body: Mapping[str, Any]) -> Observation:
    data: Sequence[Mapping[str, Any]] = body.get("data", ())
    moments = [each["created"] for each in data]
    return {
        "object": "list",
        "missing fields": sorted({name for each in (body, *data) for name in _missing(each)}),
        "has more": body.get("has_more"),
        "listed": [_name(scene, each["id"]) for each in data],
        "statuses": [each.get("status") for each in data],
        "is newest first": moments == sorted(moments, reverse=True),
        "url": body.get("url"),
    }


def _missing(body: Mapping[str, Any]) -> list[str]:
    """Of what was deleted there is not much left."""
    wanted = frozenset({"id", "object"}) if body.get("deleted") else FIELDS.get(str(body.get("object")), frozenset())
    return sorted(wanted - body.keys())


def _name(scene: Scene, thing_id: Any) -> str | None:
    """By the step that made it, so that runs can be compared."""
    return scene.names.get(thing_id, "new") if thing_id else None


def _code(error: Mapping[str, Any] | None) -> str | None:
    return f"{error.get('code')}/{error.get('decline_code')}" if error else None


def verdict_of(scene: Scene, verdict: Any) -> str:
    """What our code makes of the answer, in a word and a code."""
    match verdict:
        case Succeeded():
            return f"succeeded: {_name(scene, verdict.reference)}"
        case Refusal():
            return f"refused: {verdict.code}"
        case Indeterminate():
            return f"not known: {verdict.code}"
        case Found():
            found = verdict_of(scene, verdict.answer) if verdict.answer else "nothing"
            payable = [_name(scene, each) for each in verdict.payable]
            return f"found {found}" + (f", payable: {', '.join(map(str, payable))}" if payable else "")
        case Exception():
            return type(verdict).__name__
        case str():
            return scene.names.get(verdict, verdict.split("_")[0])
    return "done"
