"""The asset checks: what must hold of each day, as findings of `domain.checks` and `ledger.checks`.

One step for each asset evaluates all of its checks. In a run of many days a check fails if it fails for one of
them, and its figures are listed by day.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import dagster as dg

from payouts_pipeline.defs.assets import Frames
from payouts_pipeline.defs.resources import LedgerResource
from payouts_pipeline.domain.checks import Finding, check_matches, check_splits
from payouts_pipeline.ledger.checks import check_booking, check_settlement

# What each check is for, by asset. Blocking are those after which going on would book wrong amounts.
_MATCHES = {
    "each_fee_once": "A line-up names nobody twice, and no view multiplies rows.",
    "every_fee_has_terms": "The competition of every match has exactly one set of terms on the day.",
}
_SPLITS = {
    "shares_equal_fees": "Rule of money 1: the shares of every fee add up to it, in every currency.",
    "no_negative_share": "No fee and no share is negative.",
    "no_fee_held_out": "Every fee of the day could be split.",
}
_COLLECTED_FEES = {
    "booked_equals_split": "The ledger has booked of the day what was split, neither more nor less.",
    "ledger_sums_to_zero": "Rule of money 7: every debit of the ledger has its credit.",
    "every_charge_settled": "Every charge of the day has come to its end.",
}
_SETTLED_PAYOUTS = {
    "instructions_equal_account_movements": "Rule of money 7: booked = settled + in flight + open for every account.",
    "nobody_paid_from_uncollected_fees": "Rule of money 2: a share is paid only after its fee was collected.",
    "ledger_sums_to_zero": "Rule of money 7: every debit of the ledger has its credit.",
    "audit": "The auditor, who recomputes everything from the source lines, finds no rule of money broken.",
    "every_payout_settled": "Every payout of the day has come to its end.",
}
_BLOCKING = {"each_fee_once", "shares_equal_fees", "no_negative_share", "booked_equals_split"}


def build_checks(partitions: dg.DailyPartitionsDefinition) -> Sequence[dg.AssetChecksDefinition]:
    """The checks on these partitions."""
    return [
        _matches_checks(partitions),
        _splits_checks(partitions),
        _collected_fees_checks(partitions),
        _settled_payouts_checks(partitions),
    ]


def _matches_checks(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(specs=_specs("matches", _MATCHES, partitions), ins={"matches": dg.AssetIn("matches")})
    def matches_checks(context: dg.AssetCheckExecutionContext, matches: Frames) -> Iterator[dg.AssetCheckResult]:
        yield from _results("matches", {day: check_matches(fees) for day, fees in matches.items()})

    return matches_checks


def _splits_checks(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        specs=_specs("splits", _SPLITS, partitions, reads="matches"),
        ins={"matches": dg.AssetIn("matches"), "splits": dg.AssetIn("splits")},
    )
    def splits_checks(
        context: dg.AssetCheckExecutionContext, matches: Frames, splits: Frames
    ) -> Iterator[dg.AssetCheckResult]:
        yield from _results("splits", {day: check_splits(matches[day], lines) for day, lines in splits.items()})

    return splits_checks


def _collected_fees_checks(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        specs=_specs("collected_fees", _COLLECTED_FEES, partitions, reads="splits"),
        ins={"splits": dg.AssetIn("splits")},
    )
    def collected_fees_checks(
        context: dg.AssetCheckExecutionContext, splits: Frames, ledger: LedgerResource
    ) -> Iterator[dg.AssetCheckResult]:
        with ledger.connect() as connection:
            findings = {day: check_booking(connection, date.fromisoformat(day), lines) for day, lines in splits.items()}
        yield from _results("collected_fees", findings)

    return collected_fees_checks


def _settled_payouts_checks(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(specs=_specs("settled_payouts", _SETTLED_PAYOUTS, partitions))
    def settled_payouts_checks(
        context: dg.AssetCheckExecutionContext, ledger: LedgerResource
    ) -> Iterator[dg.AssetCheckResult]:
        with ledger.connect() as connection:
            findings = {day: check_settlement(connection, date.fromisoformat(day)) for day in context.partition_keys}
        yield from _results("settled_payouts", findings)

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
            blocking=name in _BLOCKING,
            partitions_def=partitions,
            additional_deps=[reads] if reads else None,
        )
        for name, description in checks.items()
    ]


def _results(asset: str, findings: Mapping[str, Sequence[Finding]]) -> Iterator[dg.AssetCheckResult]:
    """A result for each check, over all days of the run."""
    by_check: dict[str, dict[str, Finding]] = {}
    for day, of_day in findings.items():
        for finding in of_day:
            by_check.setdefault(finding.check, {})[day] = finding
    for check, of_check in by_check.items():
        yield _result(asset, check, of_check)


def _result(asset: str, check: str, of_check: Mapping[str, Finding]) -> dg.AssetCheckResult:
    failed = {day: finding for day, finding in of_check.items() if not finding.passed}
    shown = failed or of_check
    is_error = any(finding.is_error for finding in of_check.values())
    descriptions = dict.fromkeys(
        finding.description if len(of_check) == 1 else f"{day}: {finding.description}" for day, finding in shown.items()
    )
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=check,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        description="\n".join(descriptions),
        metadata={day: dg.MetadataValue.json(dict(finding.figures)) for day, finding in of_check.items()},
    )
