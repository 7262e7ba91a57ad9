"""`payouts dev` as somebody starts it who has just cloned the repository: a process in a folder, with nothing set."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from payouts_pipeline.local.embedded import running, stop
from payouts_tests.support.command_line import plain

_START_TIMEOUT_S = 300.0
_STOP_TIMEOUT_S = 120.0
_POLL_S = 0.2


@contextmanager
def development(folder: Path) -> Iterator[str]:
    """The address of the page, once it is up. SIGTERM ends it in the end, and nothing that it started is left."""
    port, log = _free_port(), folder / "dev.log"
    command = [str(Path(sys.executable).with_name("payouts")), "dev", "--port", str(port)]
    # Into a file: Dagster writes more than a pipe holds that nobody reads.
    with (
        log.open("w") as output,
        subprocess.Popen(command, cwd=folder, env=plain(), stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_up(process, address, log)
            yield address
        finally:
            family = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGTERM)
            process.wait(_STOP_TIMEOUT_S)
            stop(folder / ".payouts")
    assert process.returncode == 0, _last_lines(log)
    _, alive = psutil.wait_procs(family, timeout=60)
    assert len(family) > 2
    assert not alive


def parts_of(folder: Path) -> dict[str, str]:
    """The environment that leads to the embedded parts of a folder in which `payouts dev` runs."""
    found = running(folder / ".payouts")
    assert found
    return found


def _wait_until_up(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    deadline_s = time.monotonic() + _START_TIMEOUT_S
    while not _is_up(address):
        assert process.poll() is None, _last_lines(log)
        assert time.monotonic() < deadline_s, f"the page is not up: {_last_lines(log)}"
        time.sleep(_POLL_S)


def _is_up(address: str) -> bool:
    try:
        return httpx.get(f"{address}/server_info", timeout=5).is_success
    except httpx.TransportError:
        return False


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text().splitlines()[-20:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
