"""Becomes another program that ends when its supervisor does.

Run as a script of its own between fork and exec: what it does is not safe in a `preexec_fn`, because the
supervisor has threads. It imports nothing of the project, so that it starts in a few hundredths of a second.
"""

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_NOBODY_ELSE = "-"


def launched(command: Sequence[str], death_signal: int, run_as: tuple[int, int] | None = None) -> list[str]:
    """Return the command that runs `command` as a child of this process, bound to its life.

    `death_signal` is sent to it when this process dies (Linux only; elsewhere the records of `leftovers` make
    up for it). `run_as` is the user and group id to become, which only root can.
    """
    identity = ":".join(map(str, run_as)) if run_as else _NOBODY_ELSE
    wrapper = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
    return [*wrapper, str(os.getpid()), str(death_signal), identity, *command]


def main(arguments: Sequence[str]) -> None:
    """Take `parent pid, death signal, uid:gid or -, command ...` and become the command."""
    parent_pid, death_signal, identity, *command = arguments
    if identity != _NOBODY_ELSE:
        _become(*map(int, identity.split(":")))
    _die_with_parent(int(parent_pid), int(death_signal))
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def _become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _die_with_parent(parent_pid: int, death_signal: int) -> None:
    """Come after a change of user, which clears the setting; the check closes the race with a dead parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent_pid:
        sys.exit("the supervisor has ended")


if __name__ == "__main__":
    main(sys.argv[1:])
