"""Between ASGI and the dispatcher: reading a request, sending an answer, and really closing a connection."""

import asyncio
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from payouts_pipeline.local.stripe_emulator.answers import Answer
from payouts_pipeline.local.stripe_emulator.forms import pairs_of
from payouts_pipeline.local.stripe_emulator.models import FaultKind, FaultRule
from payouts_pipeline.local.stripe_emulator.request import ApiRequest

TRANSPORT = "emulator.transport"
API_VERSION = "2026-10-28.endive"
WITHOUT_ANSWER = frozenset({FaultKind.DROP_BEFORE, FaultKind.DROP_AFTER})


class DroppableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol that hands its connection to the app, as ASGI has no way to just hang up."""

    def on_message_begin(self) -> None:
        """Put the transport where `deliver` finds it."""
        super().on_message_begin()
        extended: dict[str, Any] = self.scope  # type: ignore[assignment]  # the server adds keys
        extended[TRANSPORT] = self.transport


async def read_request(scope: Scope, receive: Receive, endpoint_path: str) -> ApiRequest:
    """Return the request with its whole body.

    :raises InvalidRequestError: query or body cannot be decoded.
    """
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return ApiRequest(
        method=scope["method"],
        path=scope["path"],
        endpoint_path=endpoint_path,
        path_id=scope.get("path_params", {}).get("id", ""),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        pairs=pairs_of(scope["query_string"]) + pairs_of(bytes(body)),
    )


async def deliver(scope: Scope, send: Send, request: ApiRequest, answer: Answer, fault: FaultRule | None) -> None:
    """Send the answer, or as much of it as the fault leaves."""
    kind = fault.kind if fault else None
    if kind in WITHOUT_ANSWER:
        await _hang_up(scope)
        return
    await send({"type": "http.response.start", "status": answer.status, "headers": _headers(request, answer)})
    if kind is FaultKind.DROP_DURING:
        half = answer.body[: len(answer.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await _hang_up(scope)
        return
    await send({"type": "http.response.body", "body": answer.body})


async def _hang_up(scope: Scope) -> None:
    scope[TRANSPORT].close()
    # Two turns of the loop: uvicorn learns of the lost connection before the app returns, so it is quiet.
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def _headers(request: ApiRequest, answer: Answer) -> list[tuple[bytes, bytes]]:
    headers = [
        ("content-type", "application/json"),
        ("content-length", str(len(answer.body))),
        ("request-id", request.request_id),
        ("stripe-version", request.headers.get("stripe-version", API_VERSION)),
    ]
    if request.idempotency_key:
        headers.append(("idempotency-key", request.idempotency_key))
    headers += [(name.lower(), value) for name, value in answer.headers]
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
