"""Dagster's instance: that of DAGSTER_HOME, else `dagster.yaml` of the checkout with files in the state folder."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

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


def limit_pools() -> None:
    """Give the pools that have none yet the default limit of `dagster.yaml`; a limit that somebody set stays.

    Dagster does so when a run of a pool waits for the first time, which is too late for that time itself: runs that
    wait together would all start.
    """
    with instance() as found:
        storage, limit = found.event_log_storage, found.global_op_concurrency_default_limit
        known = {each.name for each in storage.get_pool_limits()}
        for pool in POOLS:
            if limit and pool not in known:
                storage.set_concurrency_slots(pool, limit)


@contextmanager
def instance() -> Iterator[dg.DagsterInstance]:
    """The instance; raises PayoutsError where its database can't be reached."""
    with database.connect(required("DAGSTER_DATABASE_URL"), "DAGSTER_DATABASE_URL"):
        pass
    with dg.DagsterInstance.get() as found:
        # Keeps connections open, as for its webserver; one for each event takes a third of the time of a range.
        found.optimize_for_webserver(statement_timeout=0, pool_recycle=3600, max_overflow=20)
        yield found
