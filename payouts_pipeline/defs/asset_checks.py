"""The asset checks: what must hold of each day, as findings of `domain.checks`, `ledger.checks` and `settlement`.

One step for each asset evaluates all of its checks, each for each day of the run by itself: a check of one day says
nothing about another. What the checks are for is in `defs.check_texts`.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from payouts_pipeline.defs import dagster_private
from payouts_pipeline.defs.assets import Frames
from payouts_pipeline.defs.check_catalogue import BLOCKING, COLLECTED_FEES, MATCHES, SETTLED_PAYOUTS, SPLITS
from payouts_pipeline.defs.partition_isolation import DaysOfRun
from payouts_pipeline.defs.resources import LedgerResource, PayoutBus
from payouts_pipeline.domain.findings import Finding, check_matches, check_splits
from payouts_pipeline.reports.checks import check_age, check_booking, check_league, check_settlement

Findings = dict[str, list[Finding]]
Events = Iterator[dg.Output[None] | dg.AssetCheckEvaluation]


def build_checks(partitions: dg.DailyPartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The checks on these partitions."""
    return [
        _matches_checks(partitions),
        _splits_checks(partitions),
        _collected_fees_checks(partitions),
        _settled_payouts_checks(partitions),
    ]


def _matches_checks(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    specs, timezone = _specs("matches", MATCHES, partitions), ZoneInfo(partitions.timezone)

    @dg.multi_asset_check(specs=specs, ins={"matches": dg.AssetIn("matches")})
    def matches_checks(context: dg.AssetCheckExecutionContext, matches: Frames, ledger: LedgerResource) -> Events:
        days, findings = DaysOfRun(context, "matches"), Findings()
        with ledger.connect_source() as source:
            for day in days:
                with days.alone(day):
                    league = check_league(source, date.fromisoformat(day), timezone)
                    findings[day] = [*check_matches(matches[day]), league]
        yield from _evaluations(context, days, specs, findings)
        days.end()

    return matches_checks


def _splits_checks(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    specs = _specs("splits", SPLITS, partitions, reads="matches")

    @dg.multi_asset_check(specs=specs, ins={"matches": dg.AssetIn("matches"), "splits": dg.AssetIn("splits")})
    def splits_checks(context: dg.AssetCheckExecutionContext, matches: Frames, splits: Frames) -> Events:
        days, findings = DaysOfRun(context, "splits"), Findings()
        for day in days:
            with days.alone(day):
                findings[day] = check_splits(matches[day], splits[day])
        yield from _evaluations(context, days, specs, findings)
        days.end()

    return splits_checks


def _collected_fees_checks(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    specs = _specs("collected_fees", COLLECTED_FEES, partitions, reads="splits")

    @dg.multi_asset_check(specs=specs, ins={"splits": dg.AssetIn("splits")})
    def collected_fees_checks(context: dg.AssetCheckExecutionContext, splits: Frames, ledger: LedgerResource) -> Events:
        days, findings = DaysOfRun(context, "collected_fees"), Findings()
        with ledger.connect() as connection:
            for day in days:
                with days.alone(day):
                    findings[day] = check_booking(connection, date.fromisoformat(day), splits[day])
        yield from _evaluations(context, days, specs, findings)
        days.end()

    return collected_fees_checks


def _settled_payouts_checks(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    specs = _specs("settled_payouts", SETTLED_PAYOUTS, partitions)

    @dg.multi_asset_check(specs=specs)
    def settled_payouts_checks(
        context: dg.AssetCheckExecutionContext, ledger: LedgerResource, bus: PayoutBus
    ) -> Events:
        # Not at import: botocore takes time that loading the definitions should not.
        from payouts_pipeline.settlement.dead_letters import check_dead_letters, count_dead_letters

        days, findings = DaysOfRun(context, "settled_payouts"), Findings()
        dead_letters = check_dead_letters(lambda: count_dead_letters(bus.sqs(), bus.topology()))
        with ledger.connect() as connection:
            ages = check_age(connection, [date.fromisoformat(day) for day in days])
            for key in days:
                with days.alone(key):
                    day = date.fromisoformat(key)
                    findings[key] = [*check_settlement(connection, day), ages[day], dead_letters]
        yield from _evaluations(context, days, specs, findings)
        days.end()

    return settled_payouts_checks


def _specs(
    asset: str, checks: Mapping[str, str], partitions: dg.DailyPartitionsDefinition, reads: str | None = None
) -> list[dg.AssetCheckSpec]:
    """The checks of one asset, and the other asset that they read.

    Partitions of checks are in preview; without them the check of one day would hide that of another.
    """
    return [
        dg.AssetCheckSpec(
            name,
            asset=asset,
            description=description,
            blocking=(asset, name) in BLOCKING,
            partitions_def=partitions,
            additional_deps=[reads] if reads else None,
        )
        for name, description in checks.items()
    ]


def _evaluations(
    context: dg.AssetCheckExecutionContext, days: DaysOfRun, specs: list[dg.AssetCheckSpec], findings: Findings
) -> Events:
    """An evaluation of each check for each day; a day of many that fails a blocking one goes no further.

    `AssetCheckResult` can say only one thing for the whole run, so these are made as Dagster makes them of such.
    """
    targets = dagster_private.latest_materialisations(context.instance, specs[0].asset_key, findings)
    for spec in specs:
        yield dg.Output(None, output_name=spec.get_python_identifier())
        for day, of_day in findings.items():
            finding = next(each for each in of_day if each.check == spec.name)
            yield _evaluation(spec, day, finding, targets.get(day), stops_run=not days.are_many)
            if spec.blocking and finding.is_error and not finding.passed:
                days.fail(day, f"{spec.asset_key.to_user_string()}.{spec.name}: {finding.description}")


def _evaluation(
    spec: dg.AssetCheckSpec,
    day: str,
    finding: Finding,
    target: dagster_private.Target | None,
    *,
    stops_run: bool,
) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=finding.passed,
        severity=dg.AssetCheckSeverity.ERROR if finding.is_error else dg.AssetCheckSeverity.WARN,
        description=finding.description,
        metadata={name: _shown(figure) for name, figure in finding.figures.items()},
        target_materialization_data=target,
        blocking=spec.blocking and stops_run,
        partition=day,
    )


def _shown(figure: Any) -> dg.MetadataValue[Any]:
    return dg.MetadataValue.int(figure) if isinstance(figure, int) else dg.MetadataValue.json(figure)
