"""The production definitions for an environment that says as little as possible, and what they consist of."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from payouts_pipeline.defs.build import build_defs

QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def definitions(timezone: str = "Australia/Sydney", start_date: str = "2026-01-01") -> dg.Definitions:
    """Small days are corrected without anybody being asked."""
    said = {"PAYOUTS_TIMEZONE": timezone, "PAYOUTS_START_DATE": start_date, "PAYOUTS_CHANGE_LIMIT": "{}"}
    return build_defs(said)


def asset_nodes(defs: dg.Definitions) -> dict[str, Any]:
    """What Dagster knows of each asset of ours, by name."""
    graph = defs.resolve_asset_graph()
    return {key.to_user_string(): graph.get(key) for key in graph.executable_asset_keys}


def check_specs(defs: dg.Definitions) -> dict[tuple[str, str], dg.AssetCheckSpec]:
    """Each check by asset and name."""
    graph = defs.resolve_asset_graph()
    return {(key.asset_key.to_user_string(), key.name): graph.get_check_spec(key) for key in graph.asset_check_keys}


@contextmanager
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made
