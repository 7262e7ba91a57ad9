"""Real `payouts worker` processes, of which one after the other is killed and replaced."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self


class Workers:
    """So many workers, whatever happens to them."""

    def __init__(self, environment: Mapping[str, str], folder: Path, count: int, chance: random.Random) -> None:
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **environment}
        self._folder = folder
        self._count = count
        self._chance = chance
        self._running: list[subprocess.Popen[bytes]] = []
        self.killed = 0

    def __enter__(self) -> Self:
        self._log = (self._folder / "workers.log").open("ab")
        self._running = [self._start() for _ in range(self._count)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._running:
            worker.terminate()
        self.exit_codes = [worker.wait(60) for worker in self._running]
        self._log.close()

    def kill_one(self) -> None:
        """Kill one at random, which has no time to say goodbye, and start another."""
        victim = self._running.pop(self._chance.randrange(len(self._running)))
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        self.killed += 1
        self._running.append(self._start())

    def replace_ended(self) -> int:
        """Start another for each that has given up by itself, as a container service does; how many had."""
        ended = [worker for worker in self._running if worker.poll() is not None]
        self._running = [worker for worker in self._running if worker not in ended] + [self._start() for _ in ended]
        return len(ended)

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [str(Path(sys.executable).with_name("payouts")), "worker", "--concurrency", "8"]
        return subprocess.Popen(
            command, env=self._environment, cwd=self._folder, stdout=self._log, stderr=subprocess.STDOUT
        )
