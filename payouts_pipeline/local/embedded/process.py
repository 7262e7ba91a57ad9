"""The process of one part: started when first asked for, watched while it is used, stopped at the end."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.embedded import leftovers
from payouts_pipeline.local.embedded.launch import launched
from payouts_pipeline.local.embedded.parts import Part, plain_environment
from payouts_pipeline.local.embedded.ports import choose_port
from payouts_pipeline.local.embedded.state import State

_READY_POLL_S = 0.02
# A database writes its last checkpoint when it ends, so this is long; a kill would cost a recovery, not data.
_STOP_TIMEOUT_S = 30.0

_logger = logging.getLogger(__name__)


class PartProcess:
    """At most one process of a part at a time, whoever asks for it and how often."""

    def __init__(self, part: Part, state: State, on_death: Callable[[str, str], None]) -> None:
        """`on_death` takes the part's name and a sentence when the part ends without having been asked to."""
        self._part = part
        self._state = state
        self._on_death = on_death
        self._lock = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0
        self._watch: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        """Say whether the part has become ready and still runs."""
        return self._watch is not None and not self._watch.done()

    async def start(self, report: Callable[[str], None]) -> dict[str, str]:
        """Start the part unless it is up; return the variables by which a client finds it.

        Raises PayoutsError when it does not come up.
        """
        if not self.is_up:
            report(f"starting {self._part.title} ...")
        async with self._lock:
            if not self.is_up:
                await self._start()
        return self.environment()

    async def stop(self) -> None:
        """End the part in its orderly way, by force when that takes too long."""
        async with self._lock:
            if self._watch:
                self._watch.cancel()
                self._watch = None
            await self._end()

    def environment(self) -> dict[str, str]:
        """Return the variables by which a client finds the part."""
        return self._part.environment(self._port)

    def status(self) -> dict[str, Any]:
        """Return what a person wants to know of a part that is up."""
        pid = self._process.pid if self._process else None
        return {"title": self._part.title, "pid": pid, "port": self._port, "log": str(self._log_file)}

    @property
    def _log_file(self) -> Path:
        return self._state.log_file(self._part.name)

    async def _start(self) -> None:
        started_s = time.monotonic()
        await self._part.prepare()
        self._port = choose_port(self._state, self._part.name)
        self._process = await self._spawn()
        leftovers.record(self._state, self._part.name, self._process.pid, self._part.stop_signal)
        try:
            await self._until_ready(self._process)
        except PayoutsError:
            await self._end()
            raise
        self._watch = asyncio.create_task(self._report_death(self._process))
        _logger.info("%s is up on port %d after %.1f s", self._part.title, self._port, time.monotonic() - started_s)

    async def _spawn(self) -> asyncio.subprocess.Process:
        """Spawn from the main thread only: to the kernel the end of the spawning thread is the parent's."""
        command = launched(self._part.command(self._port), self._part.stop_signal, self._part.run_as)
        environment = plain_environment() | self._part.child_environment(self._port)
        with self._state.open_log(self._part.name) as log:
            return await asyncio.create_subprocess_exec(
                *command, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        deadline_s = time.monotonic() + self._part.ready_timeout_s
        while process.returncode is None and time.monotonic() < deadline_s:
            # Asked in this order: a foreign server on the port must not be taken for a part that has ended.
            if await self._part.is_ready(process.pid, self._port) and process.returncode is None:
                return
            await asyncio.sleep(_READY_POLL_S)
        raise PayoutsError(self._failure(process.returncode))

    def _failure(self, exit_code: int | None) -> str:
        how = f"did not come up within {self._part.ready_timeout_s:.0f} s"
        if exit_code is not None:
            how = f"ended while starting ({_ending(exit_code)})"
        return (
            f"The embedded {self._part.title} {how}: the reason is at the end of {self._log_file}; fix it "
            f"and run the command again, or delete {self._state.folder / self._part.name} and lose its data."
        )

    async def _report_death(self, process: asyncio.subprocess.Process) -> None:
        ending = _ending(await process.wait())
        leftovers.forget(self._state, self._part.name)
        self._on_death(
            self._part.name,
            f"The embedded {self._part.title} ended while it was in use ({ending}): see {self._log_file}; "
            "the next command starts it again.",
        )

    async def _end(self) -> None:
        if self._process is None:
            return
        await _terminate(self._process, self._part)
        leftovers.forget(self._state, self._part.name)
        _logger.info("%s has ended (%s)", self._part.title, _ending(self._process.returncode))
        self._process = None


async def _terminate(process: asyncio.subprocess.Process, part: Part) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(part.stop_signal)
    try:
        await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)
    except TimeoutError:
        _logger.warning("%s did not end in %.0f s and is killed", part.title, _STOP_TIMEOUT_S)
        process.kill()
        await process.wait()


def _ending(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"signal {-exit_code}"
    return f"exit code {exit_code}"
