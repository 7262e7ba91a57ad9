"""The state folder: where everything that the embedded parts leave on disk is."""

import fcntl
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from payouts_pipeline.errors import PayoutsError

# sun_path holds 104 bytes on macOS and 108 on Linux, the closing zero included.
_SOCKET_PATH_LIMIT_BYTES = 100
_SHORT_FOLDER_PREFIX = "payouts-"
_LOG_LIMIT_BYTES = 10_000_000


@dataclass(frozen=True)
class State:
    """The paths under one state folder, and the small files that the supervisor keeps there."""

    folder: Path

    @property
    def address_file(self) -> Path:
        """Holds the path of the control socket while a supervisor listens."""
        return self.folder / "supervisor.json"

    def log_file(self, name: str) -> Path:
        """Return the log of a part, or of the supervisor."""
        return self.folder / "log" / f"{name}.log"

    def create(self) -> None:
        """Make the folder; raise PayoutsError where this user cannot write."""
        try:
            self.log_file("any").parent.mkdir(parents=True, exist_ok=True)
            self._lock_file().touch()
        except OSError as error:
            raise PayoutsError(
                f"The folder {self.folder} for the embedded parts cannot be written ({error.strerror}): "
                "give it to this user, or delete it to start afresh."
            ) from error

    def open_log(self, name: str) -> IO[bytes]:
        """Open the log of `name` for appending; one earlier generation is kept once it has grown large."""
        path = self.log_file(name)
        if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path.open("ab")

    def lock(self) -> int | None:
        """Return a descriptor that holds the folder's only lock, or None while somebody else has it.

        The lock belongs to the open file: it can be handed to a child process, and ends with the last holder.
        """
        descriptor = os.open(self._lock_file(), os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def new_socket_path(self) -> Path:
        """Return where the control socket goes: in the folder, or where its path is short enough."""
        path = self.folder / "control.sock"
        if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT_BYTES:
            return path
        # TMPDIR may be long as well; mkdtemp makes a folder that only this user can enter.
        return Path(tempfile.mkdtemp(prefix=_SHORT_FOLDER_PREFIX, dir="/tmp")) / path.name

    def publish(self, socket_path: Path) -> None:
        """Tell clients where the supervisor listens."""
        self.write("supervisor", {"socket": str(socket_path)})

    def published(self) -> Path | None:
        """Return the control socket of the supervisor that runs, or that was killed last."""
        address = self.read("supervisor").get("socket")
        return Path(address) if address else None

    def withdraw(self) -> None:
        """Remove the control socket and its address; also those that a killed supervisor left."""
        socket_path = self.published()
        self.address_file.unlink(missing_ok=True)
        if socket_path is None:
            return
        socket_path.unlink(missing_ok=True)
        if socket_path.parent.name.startswith(_SHORT_FOLDER_PREFIX) and socket_path.parent != self.folder:
            shutil.rmtree(socket_path.parent, ignore_errors=True)

    def read(self, name: str) -> dict[str, Any]:
        """Return the remembered facts `name`; none where the file is missing or not ours to read."""
        try:
            facts = json.loads((self.folder / f"{name}.json").read_text())
        except (OSError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}

    def write(self, name: str, facts: dict[str, Any]) -> None:
        """Replace the remembered facts `name` in one step, so that a reader never sees half of them."""
        unfinished = self.folder / f"{name}.json.new"
        unfinished.write_text(json.dumps(facts))
        unfinished.replace(self.folder / f"{name}.json")

    def _lock_file(self) -> Path:
        return self.folder / "supervisor.lock"
