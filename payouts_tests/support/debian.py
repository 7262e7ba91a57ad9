"""Packages of Debian that a test needs and that may be missing."""

import os
import shutil
import subprocess
from pathlib import Path

_APT_TIMEOUT_S = 150.0


def install(*packages: str) -> bool:
    """Install packages of Debian where we may: as root, on Debian. Whether that went well."""
    if os.geteuid() or not Path("/etc/debian_version").exists() or not shutil.which("apt-get"):
        return False
    command = ("install", "--yes", "--no-install-recommends", *packages)
    return _apt_get(*command) or (_apt_get("update") and _apt_get(*command))


def _apt_get(*arguments: str) -> bool:
    """Run apt-get without a question; whether it did what it was told in time."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            ["apt-get", "-qq", *arguments],  # noqa: S607 - Debian's own
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_APT_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
