"""Runs a program with all that it starts, and ends them all once whoever started it is gone, however that ended.

Our stdin is a pipe of that process: the kernel closes it with it. A death signal of the kernel is not enough here: it
comes once for each thread that the parent had, and a program that is interrupted again while it ends its children
leaves them behind. Run as a script of its own that imports nothing of the project, so that it starts at once.
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_STOP_TIMEOUT_S = 30.0
_LOOK_EVERY_S = 0.5


def bound(command: Sequence[str]) -> list[str]:
    """Return the command that runs `command`, and ends it with its family when our end of its stdin is closed."""
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), *command]


def main(command: Sequence[str]) -> int:
    """Run the command until it ends, or until we are let go of; its exit code."""
    # A session of its own, so that it is told to stop once, by us, and not by the terminal's Ctrl-C as well.
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True) as process:  # noqa: S603 - our own
        # Nobody ever writes to us, so that there is something to read only at the end.
        while process.poll() is None and not select.select([sys.stdin], [], [], _LOOK_EVERY_S)[0]:
            pass
        _stop(process)
        return process.returncode


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask it to stop as Ctrl-C would; what of its family is still there after that has lost its chance."""
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_TIMEOUT_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
