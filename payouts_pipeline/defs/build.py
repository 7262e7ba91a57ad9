"""Puts the definitions together for an environment; tests put them together with other resources."""

import os
import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

from payouts_pipeline import settings
from payouts_pipeline.defs.alerts import alert_topic, build_alert_sensors, where_to
from payouts_pipeline.defs.asset_checks import build_checks
from payouts_pipeline.defs.assets import PAID, build_assets
from payouts_pipeline.defs.external_assets import build_external_assets
from payouts_pipeline.defs.io_managers import ParquetIOManager
from payouts_pipeline.defs.jobs import PAY_OUT_DAY
from payouts_pipeline.defs.ledger_alerts import build_ledger_alerts
from payouts_pipeline.defs.operator_jobs import build_operator_jobs
from payouts_pipeline.defs.partitions import daily_partitions
from payouts_pipeline.defs.resources import resources
from payouts_pipeline.defs.schedules import build_schedule, freshness_policy
from payouts_pipeline.defs.sensors import build_sensors
from payouts_pipeline.defs.stripe_activity import build_stripe_activity
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
        assets = [*build_assets(partitions), build_stripe_activity(partitions)]
        checks = build_checks(partitions)
    fresh = freshness_policy(calendar)
    return dg.Definitions(
        assets=[*dg.map_asset_specs(lambda spec: _with_freshness(spec, fresh), assets), *build_external_assets()],
        asset_checks=checks,
        jobs=[PAY_OUT_DAY, *build_operator_jobs()],
        schedules=[build_schedule(calendar)],
        sensors=[
            *build_sensors(calendar, environment),
            *build_alert_sensors(calendar, environment),
            *build_ledger_alerts(calendar, where_to(environment)),
        ],
        executor=dg.in_process_executor,
        resources=_not_configurable(
            {
                "io_manager": ParquetIOManager(storage=dg.EnvVar("PAYOUTS_STORAGE")),
                "alerts": alert_topic(environment),
                **resources(environment),
                **(resource_overrides or {}),
            }
        ),
    )


def _not_configurable(resources: Mapping[str, Any]) -> dict[str, Any]:
    """The resources with nothing to set in a run's configuration; the environment alone says what they are.

    Who may launch a run could otherwise send the key to another server, let every amount through without an approval,
    read other splits, or have any variable shown by naming it.
    """
    configurable = (dg.ConfigurableResource, dg.ConfigurableIOManagerFactory)
    return {
        name: _fixed(resource) if isinstance(resource, configurable) else resource
        for name, resource in resources.items()
    }


def _fixed(resource: Any) -> dg.ResourceDefinition:
    """With what it takes from the environment when a run starts, and no schema that a run could fill."""

    def prepared(context: dg.InitResourceContext) -> Any:
        own = type(resource)(**{name: _value(getattr(resource, name)) for name in type(resource).model_fields})
        return own.create_io_manager(context) if isinstance(own, dg.ConfigurableIOManagerFactory) else own

    kind = dg.IOManagerDefinition if isinstance(resource, dg.ConfigurableIOManagerFactory) else dg.ResourceDefinition
    return kind(prepared, config_schema={}, description=type(resource).__doc__)


def _value(field: Any) -> Any:
    return settings.required(field.env_var_name) if isinstance(field, dg.EnvVar) else field


def _with_freshness(spec: dg.AssetSpec, policy: dg.FreshnessPolicy) -> dg.AssetSpec:
    return dg.apply_freshness_policy(spec, policy) if spec.key == PAID else spec
