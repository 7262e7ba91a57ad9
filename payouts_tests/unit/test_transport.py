"""The way to Stripe: a call is made once, whatever comes of it, and what is no answer is said to be none."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe

from payouts_pipeline.settlement.transport import DirectClient, http_client

_STRIPE = "https://api.stripe.com"
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Server(ThreadingHTTPServer):
    """Answers as the path says, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, bytes]] = []
        self.goes_on = threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.path, body))
        if self.path == "/silent":
            self.server.goes_on.wait(10)
        if self.path in ("/silent", "/gone"):
            self.close_connection = True
            return
        self.send_response(302 if self.path == "/elsewhere" else 402)
        self.send_header("Location", "/charged-again")
        self.send_header("Request-Id", "req_1")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.goes_on.set()
    found.shutdown()
    thread.join()
    found.server_close()


def test_an_answer_is_given_as_it_is(server: Server) -> None:
    content, status, headers = DirectClient(5).request("post", server.url("/refused"), {"A": "b"}, "amount=1")
    assert (content, status, headers["request-id"]) == (b"{}", 402, "req_1")
    assert server.asked == [("/refused", b"amount=1")]


def test_nobody_leads_a_call_elsewhere(server: Server) -> None:
    assert DirectClient(5).request("post", server.url("/elsewhere"), {}, "amount=1")[1] == 302
    assert [path for path, _ in server.asked] == ["/elsewhere"]


@pytest.mark.parametrize("path", ["/silent", "/gone"])
def test_a_call_without_an_answer_is_made_once(server: Server, path: str) -> None:
    with pytest.raises(stripe.APIConnectionError, match="No answer from Stripe"):
        DirectClient(0.5).request("post", server.url(path), {}, "amount=1")
    assert [path for path, _ in server.asked] == [path]


def test_who_is_not_there_does_not_answer() -> None:
    with pytest.raises(stripe.APIConnectionError, match="No answer from Stripe"):
        DirectClient(0.5).request("get", "http://127.0.0.1:1/", {}, None)


@pytest.mark.parametrize(
    ("variables", "kind"),
    [
        ({}, DirectClient),
        ({"https_proxy": "http://127.0.0.1:9"}, stripe.RequestsClient),
        ({"https_proxy": "http://127.0.0.1:9", "no_proxy": "api.stripe.com"}, DirectClient),
        ({"http_proxy": "http://127.0.0.1:9"}, DirectClient),
    ],
)
def test_a_proxy_is_left_to_the_client_that_knows_all_kinds(
    variables: dict[str, str], kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in _PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert isinstance(http_client(_STRIPE, 5), kind)
