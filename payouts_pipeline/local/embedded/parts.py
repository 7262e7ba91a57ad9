"""What the supervisor has to know about a part."""

import os
import signal
from typing import Protocol

PART_NAMES = ("postgres", "aws", "stripe")
READY_TIMEOUT_S = 30.0

# The rest stays outside: PGPORT, AWS_PROFILE or a real STRIPE_API_KEY of the shell are no part's business.
_PASSED_ON = (
    "HOME",
    "LANG",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "PATH",
    "PYTHONPATH",
    "TMPDIR",
    "USER",
    "VIRTUAL_ENV",
)


class Part(Protocol):
    """One server that the supervisor can start, as a command on a port."""

    name: str
    title: str
    stop_signal: signal.Signals
    ready_timeout_s: float
    run_as: tuple[int, int] | None

    async def prepare(self) -> None:
        """Make ready on disk what the command needs, once or after a crash; PayoutsError when it cannot."""

    def command(self, port: int) -> list[str]:
        """Return the absolute path of the program and its arguments."""

    def child_environment(self, port: int) -> dict[str, str]:
        """Return what the process needs in its environment besides `plain_environment`."""

    async def is_ready(self, pid: int, port: int) -> bool:
        """Say whether the process answers on the port."""

    def environment(self, port: int) -> dict[str, str]:
        """Return the variables by which a client finds the part."""


def plain_environment() -> dict[str, str]:
    """Return the few variables of this process that a part or the supervisor may see."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
