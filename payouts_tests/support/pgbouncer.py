"""PgBouncer, which lends the connections that it has with a server to its clients."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from payouts_pipeline.local.embedded.ports import any_free_port
from payouts_tests.support.debian import install
from payouts_tests.support.odd_databases import url_of

_READY_TIMEOUT_S = 20.0


@contextmanager
def pgbouncer(url: str, mode: str) -> Iterator[str]:
    """Run one in front of a database; its URL. Skips the test where there is none, and on CI fails it."""
    program, port = _program(), any_free_port()
    with TemporaryDirectory(prefix="payouts-pgbouncer-") as folder:
        Path(folder).chmod(0o755)
        configuration = Path(folder, "pgbouncer.ini")
        configuration.write_text(_configuration(url, mode, port))
        # It refuses to run as root.
        user = "nobody" if not os.geteuid() else None
        with subprocess.Popen([program, "-q", configuration], user=user, stderr=subprocess.DEVNULL) as process:
            try:
                pooled = url_of(url, host="127.0.0.1", port=port)
                _wait_for(pooled)
                yield pooled
            finally:
                process.kill()


def _program() -> str:
    found = shutil.which("pgbouncer") or (shutil.which("pgbouncer") if install("pgbouncer") else None)
    if found:
        return found
    wanted = "This test needs pgbouncer on PATH: install it (on Debian: apt-get install pgbouncer)."
    if os.environ.get("CI"):
        pytest.fail(wanted)
    pytest.skip(wanted)


def _configuration(url: str, mode: str, port: int) -> str:
    of_server = "host={host} port={port} dbname={dbname} user={user} password={password}"
    return f"""[databases]
{conninfo_to_dict(url)["dbname"]} = {of_server.format(**conninfo_to_dict(url))}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 60
"""


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
