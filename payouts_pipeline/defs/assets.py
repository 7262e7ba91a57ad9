"""The four assets that pay: the fees of a day, their splits, the fees collected, and the payouts settled.

They are made when the definitions are loaded, and not at import, since the timezone and the first day come from
the environment. Each works on all partitions of its run, which are many in a backfill.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from payouts_pipeline.defs import columns, metadata
from payouts_pipeline.defs.external_assets import league
from payouts_pipeline.defs.money_metadata import MoneyPage
from payouts_pipeline.defs.partition_isolation import DaysOfRun
from payouts_pipeline.defs.partitions import DAYS_PER_RUN
from payouts_pipeline.defs.resources import Changes, LedgerResource, PayoutBus, StripeResource, payments
from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.billing import PAYOUT_TYPES, BillingType
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league.reader import fees_of_day
from payouts_pipeline.workflow.pay_day import Changed, Payments

GROUP = "payouts"
PAID = dg.AssetKey("settled_payouts")
_READ = league("matches", "match_players", "competitions", "fee_structures", "fee_shares", "players")
_PAID_OF = [dg.AssetKey("collected_fees"), *league("clubs", "organisers", "partners")]

Frames = dict[str, Batches]
# What a step tells Dagster: a result for all of its days, and in a run of many what became of each.
Events = Iterator[dg.Output[Frames] | dg.MaterializeResult[Any] | dg.AssetMaterialization]


def build_assets(partitions: dg.DailyPartitionsDefinition) -> Sequence[dg.AssetsDefinition]:
    """The assets on these partitions."""
    return [
        _matches(partitions),
        _splits(partitions),
        _collected_fees(partitions),
        _settled_payouts(partitions),
    ]


def asset_of_days(
    partitions: dg.DailyPartitionsDefinition, kinds: set[str], role: str, code_version: str = "1", **options: Any
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """`dagster.asset` with what all of ours have in common.

    An asset that comes to make something else of the same input gets a higher ``code_version``: Dagster then shows the
    days that were made before as out of date. What it says about a day (metadata, charts) does not count.
    """
    decorate: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.asset(
        partitions_def=partitions,
        group_name=GROUP,
        owners=["team:finance-operations"],
        # To filter by: tag:"payouts/role"="moves_money".
        tags={"payouts/role": role},
        # Beta, and still right: a month of days in one run takes seconds of Dagster's time, not minutes.
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=DAYS_PER_RUN),
        kinds=kinds,
        code_version=code_version,
        **options,
    )
    return decorate


def _matches(partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    timezone = ZoneInfo(partitions.timezone)

    schema = {"dagster/column_schema": columns.matches_schema()}

    @asset_of_days(
        partitions, {"postgres", "pandas", "parquet"}, "reads_league", deps=_READ, pool="ledger", metadata=schema
    )
    def matches(context: dg.AssetExecutionContext, ledger: LedgerResource) -> Events:
        """**Who played, and what each owes:** one row for each player in the line-up of a match that was played.

        Read from schema `league` as of one moment; nothing is written there. Matches that were not played are not in
        it, and a day without matches is an empty table, not a failure. Fees without valid terms are in it, too: the
        next asset holds them out with their reason.

        *Figures wrong or missing?* Correct the line-up, match or terms in `league` and materialise the day again.
        """
        days, frames = DaysOfRun(context, "matches"), {}
        with ledger.connect_source() as source:
            for day in days:
                with days.alone(day):
                    frames[day] = fees_of_day(source, date.fromisoformat(day), timezone)
                    days.show(day, metadata.of_fees(frames[day]))
        yield from days.frames(frames)
        days.end()

    return matches


def _splits(partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    schema = {"dagster/column_schema": columns.splits_schema()}

    @asset_of_days(partitions, {"pandas", "parquet"}, "computes", pool="ledger", metadata=schema)
    def splits(context: dg.AssetExecutionContext, matches: Frames) -> Events:
        """**Whose each cent of the fees is:** the club's, the organiser's, the partners', the platform's.

        The shares of a fee add up to the fee, to the cent; no money moves yet. A fee that can't be split is held out:
        it is charged to nobody until its cause is fixed, and stops no other fee.

        *Fees held out?* The table `held_out_reasons` says why: fix that in `league` and materialise the day again.
        """
        days, frames = DaysOfRun(context, "splits"), {}
        for day in days:
            with days.alone(day):
                frames[day] = split(matches[day])
                days.show(day, metadata.of_splits(frames[day]))
        yield from days.frames(frames)
        days.end()

    return splits


def _collected_fees(partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @asset_of_days(
        partitions, {"postgres", "sns", "sqs", "stripe"}, "moves_money", deps=league("players"), pool="payments"
    )
    def collected_fees(
        context: dg.AssetExecutionContext,
        splits: Frames,
        ledger: LedgerResource,
        bus: PayoutBus,
        stripe: StripeResource,
        changes: dg.ResourceParam[Changes],
    ) -> Events:
        """**What was collected:** the day's fees are booked, and each player is charged once for all that is open.

        `summary` says how much came in and what a person must do; `open` names each charge that has not settled, why,
        and the next action. A card that is refused for now is retried automatically.

        Materialise it again at any time: it books what has changed, continues where it stopped, and charges nobody
        twice.
        """
        with payments(context, ledger, bus, stripe) as payment:
            yield from _each_day(
                context,
                payment,
                changes,
                [BillingType.PLAYER_CHARGE],
                lambda day: payment.collect_fees(day, splits[day.isoformat()]),
            )

    return collected_fees


def _settled_payouts(partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @asset_of_days(partitions, {"postgres", "sns", "sqs", "stripe"}, "moves_money", deps=_PAID_OF, pool="payments")
    def settled_payouts(
        context: dg.AssetExecutionContext,
        ledger: LedgerResource,
        bus: PayoutBus,
        stripe: StripeResource,
        changes: dg.ResourceParam[Changes],
    ) -> Events:
        """**What was paid out:** the shares of the fees that were really collected, to clubs, organisers and partners.

        Did last night's payouts go out? Start here in the morning. `summary` says how much went out and what a person
        must do; `open` names each payout that is stuck, why, and the next action; `chart_of_the_day` shows the
        day's money from fees to payees.

        Materialise it again at any time: it pays what has become payable since, and nothing twice.
        """
        with payments(context, ledger, bus, stripe) as payment:
            yield from _each_day(context, payment, changes, PAYOUT_TYPES, payment.pay_out)

    return settled_payouts


def _each_day(
    context: dg.AssetExecutionContext,
    payment: Payments,
    changes: Changes,
    billing_types: Sequence[BillingType],
    move: Callable[[date], Changed],
) -> Events:
    """Move each day of the run forward, oldest first, and show where it stands."""
    days = DaysOfRun(context, context.asset_key.to_user_string())
    page = MoneyPage.of_run(context, payment.ledger, billing_types)
    for key in days:
        with days.alone(key):
            day = date.fromisoformat(key)
            changed = move(day)
            changes[day] += changed
            days.show(key, page.of(day, changed))
            yield from days.materialised(key)
    yield days.money_moved()
    days.end()
