"""What a command uses: the embedded parts for as long as it needs them."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.embedded.parts import PART_NAMES, plain_environment
from payouts_pipeline.local.embedded.ports import LOCALHOST
from payouts_pipeline.local.embedded.state import State

# A supervisor that is ending stops three parts, each of which may take its time, before the next can start.
_SUPERVISOR_TIMEOUT_S = 100.0
# Longer than the supervisor waits for any part, a database that recovers from a crash included.
_ANSWER_TIMEOUT_S = 330.0
_POLL_S = 0.02
_STARTS = 3


@contextmanager
def embedded(
    parts: Iterable[str], state_dir: Path, report: Callable[[str], None] = lambda _: None, grace_s: float = 2.0
) -> Iterator[dict[str, str]]:
    """Run the embedded parts (`postgres`, `aws`, `stripe`) and yield the environment that leads there.

    They are shared with every other process that uses the same `state_dir`, and stop when the last one has
    left and none has come for `grace_s` (as said by the one that started them). `report` gets a short line
    for each step of the start, and a sentence, from another thread, when a part ends while it is used.
    Raises PayoutsError when a part does not come up.
    """
    wanted = sorted(set(parts))
    if unknown := set(wanted) - set(PART_NAMES):
        raise ValueError(f"unknown parts: {unknown}")
    state = State(state_dir.resolve())
    connection, environment = _use(state, wanted, report, grace_s)
    with _listening(connection, state, report):
        yield environment | _direct_connections()


def running(state_dir: Path) -> dict[str, str] | None:
    """Return the environment of the parts that run now for `state_dir`; None when none does."""
    found = status(state_dir)
    return found["environment"] if found else None


def status(state_dir: Path) -> dict[str, Any] | None:
    """Return `pid`, `clients`, `parts` (name: title, pid, port, log) and `environment`; None if none runs."""
    connection = _Connection.open(State(state_dir.resolve()))
    if connection is None:
        return None
    with connection:
        answer = next(connection.ask({"request": "status"}), {})
    return answer.get("status")


def keep(state_dir: Path) -> None:
    """Have the parts that run now stay when their last user has left, until somebody stops them.

    Raises PayoutsError when none run.
    """
    connection = _Connection.open(State(state_dir.resolve()))
    if connection is None:
        raise PayoutsError(f"No embedded parts run in {state_dir}: start them with 'payouts up'.")
    with connection:
        next(connection.ask({"request": "keep"}), None)


def stop(state_dir: Path) -> bool:
    """Stop all parts, whoever uses them, and return when they have ended; False when none ran."""
    connection = _Connection.open(State(state_dir.resolve()))
    if connection is None:
        return False
    with connection:
        for _ in connection.ask({"request": "stop"}):
            pass
    return True


class _Connection:
    """A connection to the supervisor, which speaks lines of JSON."""

    def __init__(self, control: socket.socket, state: State) -> None:
        self._control = control
        self._lines = control.makefile("rb")
        self._state = state

    @classmethod
    def open(cls, state: State) -> "_Connection | None":
        """Connect to the supervisor that serves `state`; None when there is none."""
        address = state.published()
        if address is None:
            return None
        control = socket.socket(socket.AF_UNIX)
        try:
            control.connect(str(address))
        except OSError:
            control.close()
            return None
        return cls(control, state)

    def __enter__(self) -> "_Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Send the request and yield what comes back until the supervisor closes the connection.

        One that is just ending may do so before it has read anything.
        """
        self._control.settimeout(_ANSWER_TIMEOUT_S)
        try:
            with suppress(ConnectionError):
                self._control.sendall(json.dumps(request).encode() + b"\n")
            yield from self.messages()
        except TimeoutError as error:
            raise PayoutsError(
                "The supervisor of the embedded parts does not answer: see "
                f"{self._state.log_file('supervisor')}, end its process and run the command again."
            ) from error

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield messages until the connection ends, by whichever side and however."""
        with suppress(ConnectionError):
            for line in self._lines:
                yield json.loads(line)

    def wait_forever(self) -> None:
        """Let the messages that follow come when they come."""
        self._control.settimeout(None)

    def hang_up(self) -> None:
        """End the connection for both sides; a thread that waits for a message sees that."""
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give back the socket."""
        self._lines.close()
        self._control.close()


def _use(
    state: State, parts: list[str], report: Callable[[str], None], grace_s: float
) -> tuple[_Connection, dict[str, str]]:
    """Ask until a supervisor answers: one that is just ending closes the connection without a word."""
    state.create()
    deadline_s = time.monotonic() + _SUPERVISOR_TIMEOUT_S
    while True:
        connection = _connected(state, grace_s, deadline_s)
        try:
            environment = _environment(connection, parts, report)
        except BaseException:
            connection.close()
            raise
        if environment is not None:
            return connection, environment
        connection.close()
        time.sleep(_POLL_S)


def _environment(connection: _Connection, parts: list[str], report: Callable[[str], None]) -> dict[str, str] | None:
    for message in connection.ask({"request": "use", "parts": parts}):
        if "error" in message:
            raise PayoutsError(message["error"])
        if "environment" in message:
            environment: dict[str, str] = message["environment"]
            return environment
        report(message["report"])
    return None


def _connected(state: State, grace_s: float, deadline_s: float) -> _Connection:
    """Connect to the supervisor, starting it when there is none, waiting for its end when it is ending."""
    starts = 0
    while time.monotonic() < deadline_s and starts <= _STARTS:
        if connection := _Connection.open(state):
            return connection
        starts += _start_supervisor(state, grace_s)
        time.sleep(_POLL_S)
    raise PayoutsError(
        f"The supervisor of the embedded parts in {state.folder} cannot be reached: see "
        f"{state.log_file('supervisor')}, end its process if it hangs, and run the command again."
    )


def _start_supervisor(state: State, grace_s: float) -> bool:
    """Start the supervisor if nobody holds the folder's lock, and hand it the lock: so there is only one.

    It gets a session of its own, so that Ctrl-C reaches the client alone, and leaves the client's family.
    """
    lock = state.lock()
    if lock is None:
        return False
    module = [sys.executable, "-m", "payouts_pipeline.local.embedded.supervisor"]
    options = ["--state-dir", str(state.folder), "--grace-s", str(grace_s), "--lock-fd", str(lock)]
    with state.open_log("supervisor") as log:
        subprocess.run(  # noqa: S603 - our own module
            [*module, *options],
            check=False,
            cwd=state.folder,
            env=plain_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock],
            start_new_session=True,
        )
    os.close(lock)
    return True


@contextmanager
def _listening(connection: _Connection, state: State, report: Callable[[str], None]) -> Iterator[None]:
    """Hold the connection and report what the supervisor says meanwhile, also that it has ended."""
    leaving = threading.Event()

    def listen() -> None:
        for message in connection.messages():
            report(message["report"])
        if not leaving.is_set():
            report(f"The embedded parts have been stopped: see {state.log_file('supervisor')}.")

    connection.wait_forever()
    listener = threading.Thread(target=listen, name="embedded-parts", daemon=True)
    listener.start()
    try:
        yield
    finally:
        leaving.set()
        connection.hang_up()
        listener.join()
        connection.close()


def _direct_connections() -> dict[str, str]:
    """Keep local connections off the proxy that the shell may name; nothing where it names none."""
    if not urllib.request.getproxies().keys() - {"no"}:
        return {}
    exceptions = {os.environ.get("no_proxy", ""), os.environ.get("NO_PROXY", ""), LOCALHOST} - {""}
    joined = ",".join(sorted(exceptions))
    return {"no_proxy": joined, "NO_PROXY": joined}
