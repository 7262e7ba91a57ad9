"""`payouts dev`: Dagster's own development server (`dg dev`) with our parts, once at a time."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from upath import UPath

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.embedded.ports import LOCALHOST, any_free_port, is_free
from payouts_pipeline.local.environment import project_dir, state_dir
from payouts_pipeline.local.family import bound
from payouts_pipeline.local.instance import prepare_instance
from payouts_pipeline.settings import required

_QUIET = ("--dagster-log-level", "warning", "--code-server-log-level", "warning")
_READ_ONLY_SERVER = (sys.executable, "-m", "dagster_webserver", "--read-only", *_QUIET)
_LOOK_EVERY_S = 0.5


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


def prepare() -> None:
    """Set Dagster's environment: its servers work in DAGSTER_HOME, where no other `dagster.yaml` or `.env` counts."""
    prepare_instance()
    os.environ["PAYOUTS_STORAGE"] = str(UPath(required("PAYOUTS_STORAGE")).absolute())


def serve(port: int, read_only_port: int | None, report: Callable[[str], None]) -> None:
    """Run webserver and daemon on localhost until Ctrl-C or SIGTERM; what they start ends with us, however we end.

    With ``read_only_port``, a second page on which one can look at everything and start nothing. A port that is 0 or
    taken becomes a free one.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    url = _url(port)
    commands = [[str(Path(sys.executable).with_name("dg")), "dev", *_address(url), "--log-level", "warning"]]
    report(f"the Dagster UI comes up at {url} (Ctrl-C stops everything)")
    if read_only_port is not None:
        read_only_url = _url(read_only_port)
        commands.append([*_READ_ONLY_SERVER, *_address(read_only_url)])
        report(f"a read-only UI comes up at {read_only_url}")
    os.environ.setdefault("PAYOUTS_UI_URL", url)
    with ExitStack() as running:
        processes = [running.enter_context(_running(command)) for command in commands]
        try:
            code = _first_to_end(processes)
        except KeyboardInterrupt:
            report("stopping")
            return
    raise PayoutsError(f"Dagster ended with exit code {code}: what it printed above says why.")


def _address(url: str) -> list[str]:
    return ["--host", LOCALHOST, "--port", url.rpartition(":")[2], "--workspace", str(project_dir() / "workspace.yaml")]


@contextmanager
def _running(command: Sequence[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command with all that it starts; leaving the context, or our death, ends them."""
    # A session of its own: Ctrl-C is for us to pass on, by letting go of the pipe.
    held = bound(command)
    with subprocess.Popen(held, cwd=required("DAGSTER_HOME"), stdin=subprocess.PIPE, start_new_session=True) as process:  # noqa: S603 - our own
        yield process


def _first_to_end(processes: "Sequence[subprocess.Popen[bytes]]") -> int:
    """The exit code of whichever ends first."""
    while True:
        for process in processes:
            if (code := process.poll()) is not None:
                return code
        time.sleep(_LOOK_EVERY_S)


def _url(port: int) -> str:
    return f"http://{LOCALHOST}:{port if port and is_free(port) else any_free_port()}"
