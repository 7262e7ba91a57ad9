"""Between ASGI and the dispatcher: reading a request, sending an answer, and really closing a connection."""

import asyncio
import socket
import struct
from email.utils import formatdate
from typing import Any, TypeAlias

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from payouts_pipeline.local.stripe_emulator.answers import Answer
from payouts_pipeline.local.stripe_emulator.forms import pairs_of
from payouts_pipeline.local.stripe_emulator.models import FaultKind, FaultRule, OtherAnswer
from payouts_pipeline.local.stripe_emulator.request import API_VERSION, ApiRequest

Headers: TypeAlias = list[tuple[str, str]]

TRANSPORT = "emulator.transport"
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
        path_child_id=scope.get("path_params", {}).get("child_id", ""),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        pairs=pairs_of(scope["query_string"]) + pairs_of(bytes(body)),
    )


async def deliver(
    scope: Scope, send: Send, request: ApiRequest, answer: Answer, fault: FaultRule | None, now: int
) -> None:
    """Send the answer, dated ``now``, or as much of it as the fault leaves."""
    if fault and fault.kind in WITHOUT_ANSWER:
        await _hang_up(scope, reset=fault.reset)
        return
    status, body, headers = _as_sent(answer, _headers(request, answer, now), fault.answer if fault else None)
    headers = [*headers, ("content-length", str(len(body)))]
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    if fault and fault.kind is FaultKind.DROP_DURING:
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await _hang_up(scope, reset=fault.reset)
        return
    await send({"type": "http.response.body", "body": body})


def _as_sent(answer: Answer, headers: Headers, other: OtherAnswer | None) -> tuple[int, bytes, Headers]:
    """Return status, body and headers with what a fault puts in place of Stripe's."""
    if other is None:
        return answer.status, answer.body, headers
    given = {name.lower(): value for name, value in other.headers.items()}
    kept = [] if other.is_bare else [(name, value) for name, value in headers if name not in given]
    added = [(name, value) for name, value in given.items() if value is not None]
    body = answer.body if other.body is None else other.body.encode()
    return other.status or answer.status, body, kept + added


async def _hang_up(scope: Scope, *, reset: bool) -> None:
    transport = scope[TRANSPORT]
    if reset:
        # Not to linger is what makes the kernel send a reset instead of a farewell.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
    # Two turns of the loop: uvicorn learns of the lost connection before the app returns, so it is quiet.
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def _headers(request: ApiRequest, answer: Answer, now: int) -> Headers:
    headers = [("content-type", "application/json"), ("date", formatdate(now, usegmt=True))]
    if not answer.at_the_door:
        headers += [
            ("request-id", request.request_id),
            ("stripe-version", request.headers.get("stripe-version", API_VERSION)),
            *_of_key(request),
        ]
    given = {name.lower(): value for name, value in answer.headers}
    return [(name, value) for name, value in headers if name not in given] + list(given.items())


def _of_key(request: ApiRequest) -> Headers:
    """A replay names the request that was answered first; every other answer to a key names its own."""
    key = request.idempotency_key
    return [("idempotency-key", key), ("original-request", request.request_id)] if key else []
