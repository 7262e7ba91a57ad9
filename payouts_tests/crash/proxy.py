"""A TCP proxy that can lose one answer: the server has the request and acts, the client sees the connection end.

Or it is told something else first, as by a firewall that takes offence at what the server says.
"""

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass

_CHUNK = 65_536
_PAGE = b"<html><body><h1>403 Forbidden</h1></body></html>"
FOREIGN_ANSWER = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(_PAGE)
) + _PAGE


@dataclass(frozen=True)
class Request:
    """Which request to lose the answer of: bytes that a connection sends, then others on the same connection."""

    marker: bytes
    then: bytes


class Proxy:
    """Listens on a port of its own for as long as the process lives, and forwards to one server."""

    def __init__(self, target: str | tuple[str, int], instead: bytes = b"") -> None:
        self._target = target
        self._instead = instead
        self._wanted: Request | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_answer_of(self, request: Request) -> None:
        """Lose the answer of the next such request."""
        self._wanted = request

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            server = socket.socket(socket.AF_UNIX if isinstance(self._target, str) else socket.AF_INET)
            server.connect(self._target)
            doomed = threading.Event()
            threading.Thread(target=self._requests, args=(client, server, doomed), daemon=True).start()
            threading.Thread(target=self._answers, args=(client, server, doomed), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket, doomed: threading.Event) -> None:
        seen, marked = b"", False
        with suppress(OSError):
            while chunk := client.recv(_CHUNK):
                wanted = self._wanted
                if wanted:
                    seen = (seen + chunk)[-4 * _CHUNK :]
                    if not marked and wanted.marker in seen:
                        marked, seen = True, seen.split(wanted.marker, 1)[1]
                    if marked and wanted.then in seen:
                        self._wanted = None
                        doomed.set()
                server.sendall(chunk)
        _end(server)

    def _answers(self, client: socket.socket, server: socket.socket, doomed: threading.Event) -> None:
        with suppress(OSError):
            while chunk := server.recv(_CHUNK):
                if doomed.is_set():
                    self.lost += 1
                    client.sendall(self._instead)
                    break
                client.sendall(chunk)
        _end(server)
        _end(client)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
