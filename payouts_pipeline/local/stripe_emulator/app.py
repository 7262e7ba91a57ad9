"""The routes: Stripe's API as raw ASGI endpoints, and the admin API beside it."""

from collections import defaultdict
from typing import TypeAlias

from starlette.routing import Mount, Route, Router
from starlette.types import Receive, Scope, Send

from payouts_pipeline.local.stripe_emulator import wire
from payouts_pipeline.local.stripe_emulator.admin_api import admin_routes
from payouts_pipeline.local.stripe_emulator.answers import InvalidRequestError
from payouts_pipeline.local.stripe_emulator.dispatch import Dispatcher
from payouts_pipeline.local.stripe_emulator.endpoints import ENDPOINTS, Endpoint
from payouts_pipeline.local.stripe_emulator.request import ApiRequest

ByMethod: TypeAlias = dict[str, Endpoint]


class StripePath:
    """The ASGI app of one path of Stripe's API; raw, because a request object costs as much as the answer."""

    def __init__(self, dispatcher: Dispatcher, path: str, endpoints: ByMethod) -> None:
        self._dispatcher = dispatcher
        self._path = path
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = self._path or scope["path"]
        try:
            request = await wire.read_request(scope, receive, path)
        except InvalidRequestError as refusal:
            nobody = ApiRequest(scope["method"], scope["path"], path, "", {}, [])
            await wire.deliver(scope, send, nobody, refusal.answer, None, self._dispatcher.clock.now())
            return
        answer, fault = await self._dispatcher.respond(request, self._endpoints.get(request.method))
        await wire.deliver(scope, send, request, answer, fault, self._dispatcher.clock.now())


def build_app(dispatcher: Dispatcher) -> Router:
    """Return the whole emulator as an ASGI app; a URL that is not known gets Stripe's 404."""
    by_path: dict[str, ByMethod] = defaultdict(dict)
    for endpoint in ENDPOINTS:
        by_path[endpoint.path][endpoint.method] = endpoint
    stripe = [Route(path, StripePath(dispatcher, path, by_method)) for path, by_method in by_path.items()]
    admin = Mount("/_emulator", routes=admin_routes(dispatcher))
    return Router([*stripe, admin], redirect_slashes=False, default=StripePath(dispatcher, "", {}))
