"""Our own client of Stripe, with an ear on the line: what came back is seen as it came."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from payouts_pipeline.settlement.stripe_client import StripeClient


@dataclass(frozen=True)
class Exchange:
    """One call and its answer; the names of headers are in lower case, and a body that is no JSON object is empty."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]


class Wire:
    """A client with the pipeline's own settings, and the last exchange that it had."""

    def __init__(self, api_key: str, api_base: str | None) -> None:
        self.client = StripeClient(api_key, api_base)
        self.last: Exchange | None = None
        http = self.client._services._requestor._get_http_client()
        self._send = http.request_with_retries
        http.request_with_retries = self._heard

    def _heard(self, method: str, url: str, *rest: Any, **options: Any) -> Any:
        answer = self._send(method, url, *rest, **options)
        content, status, headers = answer
        named = {name.lower(): value for name, value in headers.items()}
        self.last = Exchange(method, urlsplit(url).path, status, named, _json_object(content))
        return answer


def _json_object(content: str) -> Mapping[str, Any]:
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
