"""How calls reach Stripe: HTTP without what is looked up anew for each call, which takes as long as the call itself.

The SDK's own client, requests, reads the environment for proxies, `.netrc` and cookies at every call. Where no proxy
leads to Stripe, connections are used as they are; where one does, it is the SDK's client that knows all kinds of them.
"""

from collections.abc import Mapping
from typing import Any

import stripe
import urllib3
from requests.utils import get_environ_proxies, select_proxy

# As many as there are threads that call, or more.
_CONNECTIONS = 256


def http_client(url: str, timeout_s: float) -> stripe.HTTPClient:
    """A client for the SDK that makes calls below this URL; each waits so long for a connection, and for an answer."""
    if select_proxy(url, get_environ_proxies(url)):
        return stripe.RequestsClient(timeout=timeout_s)
    return DirectClient(timeout_s)


class DirectClient(stripe.HTTPClient):
    """Makes each call once, by a connection that is kept. Safe to share between threads."""

    name = "urllib3"

    def __init__(self, timeout_s: float) -> None:
        super().__init__()
        self._pool = urllib3.PoolManager(
            maxsize=_CONNECTIONS, timeout=timeout_s, cert_reqs="CERT_REQUIRED", ca_certs=stripe.ca_bundle_path
        )

    def request(  # type: ignore[override]  # the SDK says str, and its own clients give bytes
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """The answer, whatever it is; raises stripe.APIConnectionError where there is none.

        Never repeated and never led elsewhere: whether a call may be made again is not for its transport to say.
        """
        try:
            answer = self._pool.request(
                method.upper(), url, body=post_data, headers=dict(headers or {}), retries=False, redirect=False
            )
            return answer.data, answer.status, answer.headers
        except Exception as error:
            raise _no_answer(error) from error

    def close(self) -> None:
        """Give back the connections."""
        self._pool.clear()


def _no_answer(error: Exception) -> Exception:
    return stripe.APIConnectionError(f"No answer from Stripe: {error}")  # type: ignore[no-untyped-call]  # the SDK's
