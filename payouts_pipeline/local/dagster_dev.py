"""`payouts dev`: Dagster's own development server with our parts, once at a time."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.environment import project_dir, state_dir
from payouts_pipeline.local.instance import prepare_home

_HOST = "127.0.0.1"
_STOP_TIMEOUT_S = 30.0


@contextmanager
def only_one() -> Iterator[None]:
    """Keep a second daemon from the same instance; the lock goes with the process, however it ends."""
    state_dir().mkdir(parents=True, exist_ok=True)
    with (state_dir() / "dev.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PayoutsError(
                "'payouts dev' runs already in this folder: use its page, or end it with Ctrl-C first."
            ) from None
        yield


def serve(port: int, report: Callable[[str], None]) -> None:
    """Run webserver and daemon on localhost until Ctrl-C or SIGTERM; what they start ends with them."""
    prepare_home()
    port = port if port and _is_free(port) else _free_port()
    report(f"the Dagster UI comes up at http://{_HOST}:{port} (Ctrl-C stops everything)")
    command = [sys.executable, "-m", "dagster", "dev", "--host", _HOST, "--port", str(port)]
    command += ["--workspace", str(project_dir() / "workspace.yaml"), "--log-level", "warning"]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    # In a session of its own, so that it is told to stop once, by us, however we were told.
    with subprocess.Popen(command, cwd=project_dir(), start_new_session=True) as process:  # noqa: S603 - our own
        try:
            code = process.wait()
        except KeyboardInterrupt:
            report("stopping")
            code = _stop(process)
    if code:
        raise PayoutsError(f"Dagster ended by itself with exit code {code}: what it printed above says why.")


def _stop(process: "subprocess.Popen[bytes]") -> int:
    """Ask Dagster to stop as Ctrl-C would; what is still there after that has lost its chance."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    return 0


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
