"""Where the servers of the tests keep their data."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there is a folder of a name that nobody knows
_ENOUGH_BYTES = 4 * 2**30


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A folder for a while; in memory where there is plenty, since to copy a database is most of what many tests do.

    Not a folder of pytest's: every other pytest that starts closes the folder above those again, and under root a
    database server runs as another user.
    """
    with TemporaryDirectory(prefix=prefix, dir=_MEMORY if _has_memory() else None) as name:
        yield Path(name).resolve()


def _has_memory() -> bool:
    """Whether there is such a folder, with room, in which libraries can be loaded."""
    if not _MEMORY.is_dir() or os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES
