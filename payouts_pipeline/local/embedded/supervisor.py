"""The supervisor: one process per state folder, which runs the embedded parts while somebody uses them.

Run as `python -m payouts_pipeline.local.embedded.supervisor --state-dir DIR --lock-fd N`; `client` does that.

Clients talk to it over a unix socket in lines of JSON. A client asks once:

    {"request": "use", "parts": [...]}  {"environment": {...}} or {"error": "..."}; before that, and while the
                                        connection is open, {"report": "..."} for a person to read
    {"request": "keep"}                 {"kept": true}; from then on the parts run until a request to stop
    {"request": "status"}               {"status": {...}}
    {"request": "stop"}                 the connection ends when all parts have

The open connection of `use` is the use: the kernel closes it however the client ends. A request that comes
when the supervisor has begun to end gets no answer, and the client starts the next supervisor.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.embedded import leftovers
from payouts_pipeline.local.embedded.emulators import Aws, Stripe
from payouts_pipeline.local.embedded.parts import Part
from payouts_pipeline.local.embedded.postgres import Postgres
from payouts_pipeline.local.embedded.process import PartProcess
from payouts_pipeline.local.embedded.state import State

# The client that started us has to find the socket; a slow machine must not make us give up on it.
_FIRST_CLIENT_TIMEOUT_S = 15.0

_logger = logging.getLogger(__name__)


class Supervisor:
    """Starts parts on request, and ends when there has been no user for `grace_s`, unless it was asked to stay."""

    def __init__(self, state: State, grace_s: float) -> None:
        self._state = state
        self._grace_s = grace_s
        self._ending = asyncio.Event()
        self._idle: asyncio.TimerHandle | None = None
        self._is_kept = False
        self._users: dict[asyncio.StreamWriter, list[str]] = {}
        # In the order in which they are stopped: the database, which holds the truth, last.
        parts: list[Part] = [Stripe(state), Aws(state), Postgres(state)]
        self._processes = {part.name: PartProcess(part, state, self._report_death) for part in parts}

    async def run(self) -> None:
        """Serve until nobody uses the parts any more, then stop them."""
        for name in leftovers.end_leftovers(self._state):
            _logger.warning("%s was still running without a supervisor and has been ended", name)
        self._state.withdraw()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._ending.set)
        socket_path = self._state.new_socket_path()
        server = await asyncio.start_unix_server(self._serve, socket_path)
        self._state.publish(socket_path)
        self._end_after(_FIRST_CLIENT_TIMEOUT_S)
        try:
            await self._ending.wait()
        finally:
            server.close()
            self._state.withdraw()
            await self._stop_parts()

    def _end_after(self, delay_s: float) -> None:
        self._idle = asyncio.get_running_loop().call_later(delay_s, self._ending.set)

    async def _stop_parts(self) -> None:
        for process in self._processes.values():
            await process.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            if line and not self._ending.is_set():
                await self._answer(json.loads(line), reader, writer)
        except ConnectionError:
            _logger.info("a client has gone before it had its answer")
        except asyncio.CancelledError:
            _logger.debug("the supervisor ends and hangs up on a client that has stayed")
        finally:
            writer.close()

    async def _answer(
        self, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        match request["request"]:
            case "use":
                await self._use(request["parts"], reader, writer)
            case "keep":
                self._is_kept = True
                _send(writer, kept=True)
            case "status":
                _send(writer, status=self._status())
            case "stop":
                _logger.info("asked to stop")
                self._ending.set()
                await reader.read()

    async def _use(self, parts: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._counted(parts, writer):
            try:
                environment = await self._start(parts, lambda line: _send(writer, report=line))
            except PayoutsError as error:
                _send(writer, error=str(error))
                return
            _send(writer, environment=environment)
            await reader.read()

    @contextmanager
    def _counted(self, parts: list[str], writer: asyncio.StreamWriter) -> Iterator[None]:
        if self._idle:
            self._idle.cancel()
        self._users[writer] = parts
        try:
            yield
        finally:
            del self._users[writer]
            if not self._users and not self._is_kept:
                self._end_after(self._grace_s)

    async def _start(self, parts: list[str], report: Callable[[str], None]) -> dict[str, str]:
        """Start the parts at the same time; when several fail, each has its sentence in the error."""
        starts = (self._processes[name].start(report) for name in parts)
        outcomes = await asyncio.gather(*starts, return_exceptions=True)
        failures = [_sentence(outcome) for outcome in outcomes if isinstance(outcome, BaseException)]
        if failures:
            raise PayoutsError(" ".join(failures))
        return {name: value for outcome in outcomes if isinstance(outcome, dict) for name, value in outcome.items()}

    def _report_death(self, part: str, sentence: str) -> None:
        _logger.error(sentence)
        for writer, parts in self._users.items():
            if part in parts:
                _send(writer, report=sentence)

    def _status(self) -> dict[str, Any]:
        up = {name: process for name, process in self._processes.items() if process.is_up}
        environment = {name: value for process in up.values() for name, value in process.environment().items()}
        parts = {name: process.status() for name, process in up.items()}
        return {"pid": os.getpid(), "clients": len(self._users), "parts": parts, "environment": environment}


def _sentence(failure: BaseException) -> str:
    if isinstance(failure, PayoutsError):
        _logger.error(failure)
        return str(failure)
    _logger.error("a part could not be started", exc_info=failure)
    return f"An embedded part could not be started ({type(failure).__name__}: {failure})."


def _send(writer: asyncio.StreamWriter, **message: object) -> None:
    """Queue a line; a client that has gone in the meantime is noticed by whoever reads from it."""
    if not writer.is_closing():
        writer.write(json.dumps(message).encode() + b"\n")


def main() -> None:
    """Leave the client's process family at once, then supervise."""
    arguments = _parsed_arguments()
    if os.fork():
        os._exit(0)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    os.umask(0o077)
    os.set_inheritable(arguments.lock_fd, False)
    asyncio.run(_supervise(State(arguments.state_dir), arguments.grace_s))


async def _supervise(state: State, grace_s: float) -> None:
    await Supervisor(state, grace_s).run()


def _parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the embedded parts for as long as a client is connected.")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--grace-s", type=float, default=2.0, help="how long to wait for the next client")
    parser.add_argument("--lock-fd", type=int, required=True, help="open file that holds the lock of the folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
