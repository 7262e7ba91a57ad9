"""The connection of the admin API's client."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.stripe_emulator.models import Strict


class AdminConnection:
    """To one emulator; every call raises `PayoutsError` if it refuses or cannot be reached."""

    def __init__(self, base_url: str, timeout_s: float = 30, api_key: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        url = f"{base_url.rstrip('/')}/_emulator"
        self._http = httpx.Client(base_url=url, timeout=timeout_s, trust_env=False, headers=headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections free."""
        self._http.close()

    def _call(
        self, method: str, path: str, body: Strict | None = None, query: Mapping[str, int] | None = None
    ) -> dict[str, Any]:
        content = body.model_dump_json() if body else None
        try:
            answer = self._http.request(method, path, content=content, params=query)
        except httpx.TransportError as error:
            reason = type(error).__name__
            raise PayoutsError(f"The Stripe emulator at {self._http.base_url} cannot be reached ({reason}).") from error
        if answer.is_error:
            raise PayoutsError(f"The Stripe emulator refuses {method} {path}: {answer.text}")
        result: dict[str, Any] = answer.json()
        return result
