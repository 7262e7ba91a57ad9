"""The asset checks: the catalogue of checks, as Dagster's.

One step for each asset evaluates all of its checks, each for each day of the run by itself: a check of one day says
nothing about another.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from payouts_pipeline.defs import dagster_private
from payouts_pipeline.defs.assets import Frames
from payouts_pipeline.defs.check_catalogue import (
    COLLECTED_FEES,
    MATCHES,
    SETTLED_PAYOUTS,
    SPLITS,
    STRIPE_ACTIVITY,
    ActivityOfDay,
    ChargesOfDay,
    Check,
    Checks,
    MatchesOfDay,
    Of,
    PayoutsOfDay,
    SplitsOfDay,
)
from payouts_pipeline.defs.partition_isolation import DaysOfRun
from payouts_pipeline.defs.resources import LedgerResource, PayoutBus
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.findings import Finding
from payouts_pipeline.reports import old_balances
from payouts_pipeline.reports.checks import overdue_instructions

Events = Iterator[dg.Output[None] | dg.AssetCheckEvaluation]


def build_checks(partitions: dg.DailyPartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The checks on these partitions."""
    return [
        _matches_checks(partitions),
        _splits_checks(partitions),
        _collected_fees_checks(partitions),
        _settled_payouts_checks(partitions),
        _stripe_activity_checks(partitions),
    ]


def _matches_checks(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    timezone = ZoneInfo(partitions.timezone)

    @dg.multi_asset_check(specs=_specs(MATCHES, partitions), ins={"matches": dg.AssetIn("matches")})
    def matches_checks(context: dg.AssetCheckExecutionContext, matches: Frames, ledger: LedgerResource) -> Events:
        with ledger.connect_source() as source:
            yield from _evaluated(
                context, MATCHES, lambda day: MatchesOfDay(date.fromisoformat(day), timezone, source, matches[day])
            )

    return matches_checks


def _splits_checks(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    ins = {"matches": dg.AssetIn("matches"), "splits": dg.AssetIn("splits")}

    @dg.multi_asset_check(specs=_specs(SPLITS, partitions), ins=ins)
    def splits_checks(context: dg.AssetCheckExecutionContext, matches: Frames, splits: Frames) -> Events:
        yield from _evaluated(context, SPLITS, lambda day: SplitsOfDay(matches[day], splits[day]))

    return splits_checks


def _collected_fees_checks(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(specs=_specs(COLLECTED_FEES, partitions), ins={"splits": dg.AssetIn("splits")})
    def collected_fees_checks(context: dg.AssetCheckExecutionContext, splits: Frames, ledger: LedgerResource) -> Events:
        with ledger.connect() as connection:
            yield from _evaluated(
                context, COLLECTED_FEES, lambda day: ChargesOfDay(date.fromisoformat(day), connection, splits[day])
            )

    return collected_fees_checks


def _settled_payouts_checks(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(specs=_specs(SETTLED_PAYOUTS, partitions))
    def settled_payouts_checks(
        context: dg.AssetCheckExecutionContext, ledger: LedgerResource, bus: PayoutBus
    ) -> Events:
        dead_letters = _dead_letters(bus)
        with ledger.connect() as connection:
            overdue = overdue_instructions(connection, [date.fromisoformat(day) for day in context.partition_keys])
            standing = old_balances.standing(connection)
            yield from _evaluated(
                context,
                SETTLED_PAYOUTS,
                lambda day: PayoutsOfDay(date.fromisoformat(day), connection, overdue, standing, dead_letters),
            )

    return settled_payouts_checks


def _stripe_activity_checks(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    ins = {"stripe_activity": dg.AssetIn("stripe_activity")}

    @dg.multi_asset_check(specs=_specs(STRIPE_ACTIVITY, partitions), ins=ins)
    def stripe_activity_checks(
        context: dg.AssetCheckExecutionContext, stripe_activity: Frames, ledger: LedgerResource
    ) -> Events:
        with ledger.connect() as connection:
            yield from _evaluated(
                context,
                STRIPE_ACTIVITY,
                lambda day: ActivityOfDay(date.fromisoformat(day), connection, stripe_activity[day].whole()),
            )

    return stripe_activity_checks


def _dead_letters(bus: PayoutBus) -> dict[BillingType, int] | Exception:
    """How many there are, or why that can't be said: no reason to end a run whose money has moved."""
    # Not at import: botocore takes time that loading the definitions should not.
    from payouts_pipeline.aws.errors import AwsError
    from payouts_pipeline.settlement.dead_letters import count_dead_letters

    try:
        return count_dead_letters(bus.sqs(), bus.topology())
    except AwsError as error:
        return error


def _specs(checks: Checks[Of], partitions: dg.DailyPartitionsDefinition) -> list[dg.AssetCheckSpec]:
    """The checks of one asset.

    Partitions of checks are in preview; without them the check of one day would hide that of another.
    """
    return [
        dg.AssetCheckSpec(
            check.name,
            asset=checks.asset,
            description=check.text,
            blocking=check.blocking,
            partitions_def=partitions,
            additional_deps=[checks.reads] if checks.reads else None,
        )
        for check in checks.all
    ]


def _evaluated(context: dg.AssetCheckExecutionContext, checks: Checks[Of], read: Callable[[str], Of]) -> Events:
    """An evaluation of each check for each day; a day of many that fails a blocking one goes no further.

    `AssetCheckResult` can say only one thing for the whole run, so these are made as Dagster makes them of such.
    """
    days, found = DaysOfRun(context, checks.asset), dict[str, Mapping[str, Finding]]()
    for day in days:
        with days.alone(day):
            found[day] = checks.of(read(day))
    targets = dagster_private.latest_materialisations(context.instance, dg.AssetKey(checks.asset), found)
    for check in checks.all:
        yield dg.Output(None, output_name=f"{checks.asset}_{check.name}")
        for day, of_day in found.items():
            finding = of_day[check.name]
            yield _evaluation(checks.asset, check, day, finding, targets.get(day), stops_run=not days.are_many)
            if check.blocking and not finding.passed:
                days.fail(day, f"{checks.asset}.{check.name}: {finding.description}")
    days.end()


def _evaluation(
    asset: str,
    check: Check[Any],
    day: str,
    finding: Finding,
    target: dagster_private.Target | None,
    *,
    stops_run: bool,
) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(asset),
        check_name=check.name,
        passed=finding.passed,
        severity=check.severity,
        description=finding.description,
        metadata={name: _shown(figure) for name, figure in finding.figures.items()},
        target_materialization_data=target,
        blocking=check.blocking and stops_run,
        partition=day,
    )


def _shown(figure: Any) -> dg.MetadataValue[Any]:
    return dg.MetadataValue.int(figure) if isinstance(figure, int) else dg.MetadataValue.json(figure)
