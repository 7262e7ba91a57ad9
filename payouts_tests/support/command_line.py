"""The command line as people and machines use it: as a process, with nothing but an environment and a folder."""

import os
import subprocess
import sys
from pathlib import Path

from payouts_tests.support.worlds import World

_PAYOUTS = str(Path(sys.executable).with_name("payouts"))
TIMEOUT_S = 300.0


def start(world: World, *arguments: object) -> "subprocess.Popen[str]":
    """Start a command; its output can be read as it comes."""
    return subprocess.Popen(
        [_PAYOUTS, *map(str, arguments)],
        cwd=world.folder,
        env=plain() | dict(world.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def payouts(world: World, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    with start(world, *arguments) as process:
        out, err = process.communicate(timeout=TIMEOUT_S)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def plain() -> dict[str, str]:
    """What a shell has anyway, and which tree the code is of; wide, so that no sentence is broken."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ} | {
        "COLUMNS": "200"
    }
