"""Dagster's instance: that of DAGSTER_HOME, else `dagster.yaml` of the checkout with files in the state folder."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import sqlalchemy

from payouts_pipeline.defs import dagster_private
from payouts_pipeline.ledger import database
from payouts_pipeline.local.environment import project_dir, state_dir
from payouts_pipeline.settings import required

# Ranges of days take seconds of Dagster's time with these, and minutes without.
_FASTER = {"DAGSTER_EVENT_BATCH_SIZE": "100", "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS": "true"}

# The pools of the assets.
POOLS = ("ledger", "payments")


def prepare_home() -> None:
    """Set DAGSTER_HOME where the user has not."""
    for name, value in _FASTER.items():
        os.environ.setdefault(name, value)
    if not os.environ.get("DAGSTER_HOME"):
        home = state_dir() / "dagster"
        home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project_dir() / "dagster.yaml", home / "dagster.yaml")
        os.environ["DAGSTER_HOME"] = str(home)


def prepare_instance() -> None:
    """Set DAGSTER_HOME, and make its instance ready for Dagster's servers."""
    prepare_home()
    with instance() as found:
        dagster_private.limit_pools(found, POOLS)
        dagster_private.note_newest_event(found)


@contextmanager
def instance() -> Iterator[dg.DagsterInstance]:
    """The instance; raises PayoutsError where its database can't be reached or written to."""
    with database.connect(required("DAGSTER_DATABASE_URL"), "DAGSTER_DATABASE_URL") as connection:
        database.require_writable(connection)
    if not sqlalchemy.event.contains(sqlalchemy.Engine, "connect", _prepare):
        sqlalchemy.event.listen(sqlalchemy.Engine, "connect", _prepare)
    with dg.DagsterInstance.get() as found:
        dagster_private.keep_connections(found)
        yield found


def _prepare(connection: Any, _: object) -> None:
    """Give Dagster's connections in this process the settings that ours have; its own processes go by the login's.

    SQLite's, which somebody's own `dagster.yaml` may have, need none.
    """
    if hasattr(connection, "set_client_encoding"):
        connection.set_client_encoding("UTF8")
        with connection, connection.cursor() as cursor:
            cursor.execute(database.sql("prepare_session"))
