"""Puts the definitions together for an environment; tests put them together with other resources."""

import os
import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

from payouts_pipeline.defs.alert_sensors import PAID
from payouts_pipeline.defs.alerts import alert_topic
from payouts_pipeline.defs.asset_checks import build_checks
from payouts_pipeline.defs.assets import build_assets
from payouts_pipeline.defs.io_managers import ParquetIOManager
from payouts_pipeline.defs.jobs import build_automation, freshness_policy
from payouts_pipeline.defs.partitions import daily_partitions
from payouts_pipeline.defs.resources import resources
from payouts_pipeline.defs.sensors import build_sensors
from payouts_pipeline.settings import Calendar


def build_defs(
    environment: Mapping[str, str] = os.environ, resource_overrides: Mapping[str, Any] | None = None
) -> dg.Definitions:
    """Everything that Dagster shows. Opens no connection; what is missing is named when a run needs it."""
    calendar = Calendar.from_environment(environment)
    partitions = daily_partitions(calendar)
    with warnings.catch_warnings():
        # A backfill policy is beta and partitions of checks are in preview; why we use them is said where we do.
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        assets, checks = build_assets(partitions), build_checks(partitions)
    fresh = freshness_policy(calendar)
    parts = dg.Definitions(
        assets=dg.map_asset_specs(lambda spec: _with_freshness(spec, fresh), assets),
        asset_checks=checks,
        executor=dg.in_process_executor,
        resources={
            "io_manager": ParquetIOManager(storage=dg.EnvVar("PAYOUTS_STORAGE")),
            "alerts": alert_topic(environment),
            **resources(environment),
            **(resource_overrides or {}),
        },
    )
    return dg.Definitions.merge(parts, build_automation(calendar), build_sensors(calendar, environment))


def _with_freshness(spec: dg.AssetSpec, policy: dg.FreshnessPolicy) -> dg.AssetSpec:
    return dg.apply_freshness_policy(spec, policy) if spec.key == PAID else spec
