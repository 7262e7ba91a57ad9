"""The four assets: the fees of a day, their splits, the fees collected, and the payouts settled.

They are made when the definitions are loaded, and not at import, since the timezone and the first day come from
the environment. Each works on all partitions of its run, which are many in a backfill.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd

from payouts_pipeline.defs import metadata
from payouts_pipeline.defs.money import payments
from payouts_pipeline.defs.resources import LedgerResource, PayoutBus, StripeResource
from payouts_pipeline.domain.billing import PAYOUT_TYPES, BillingType
from payouts_pipeline.domain.splits import split
from payouts_pipeline.ledger.league import fees_of_day
from payouts_pipeline.ledger.status import day_status
from payouts_pipeline.settlement.day import Changed, Payments

GROUP = "payouts"

Frames = dict[str, pd.DataFrame]


def build_assets(partitions: dg.DailyPartitionsDefinition) -> Sequence[dg.AssetsDefinition]:
    """The assets on these partitions."""
    return [
        _matches(partitions),
        _splits(partitions),
        _collected_fees(partitions),
        _settled_payouts(partitions),
    ]


def _asset(
    partitions: dg.DailyPartitionsDefinition, kinds: set[str], **options: Any
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """`dagster.asset` with what all four have in common."""
    decorate: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.asset(
        partitions_def=partitions,
        group_name=GROUP,
        owners=["team:finance-operations"],
        code_version="1",
        # Beta, and still right: a month of days in one run takes seconds of Dagster's time, not minutes.
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=31),
        kinds=kinds,
        **options,
    )
    return decorate


def _matches(partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    timezone = ZoneInfo(partitions.timezone)

    @_asset(partitions, {"postgres", "pandas", "parquet"})
    def matches(context: dg.AssetExecutionContext, ledger: LedgerResource) -> Frames:
        """The fees of the day: one row for each player in the line-up of a match that was played.

        All as of one moment. Fees without terms are in it too; they are held out with their reason.
        """
        frames = {}
        with ledger.connect_source() as source:
            for day in context.partition_keys:
                frames[day] = fees_of_day(source, date.fromisoformat(day), timezone)
                context.add_asset_metadata(metadata.of_fees(frames[day]), partition_key=day)
        return frames

    return matches


def _splits(partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @_asset(partitions, {"pandas", "parquet"})
    def splits(context: dg.AssetExecutionContext, matches: Frames) -> Frames:
        """Whose each cent of the fees is: the club's, the organiser's, the partners', the platform's.

        The shares of a fee add up to the fee. A fee that can't be split is held out with its reason.
        """
        frames = {day: split(fees) for day, fees in matches.items()}
        for day, lines in frames.items():
            context.add_asset_metadata(metadata.of_splits(lines), partition_key=day)
        return frames

    return splits


def _collected_fees(partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @_asset(partitions, {"postgres", "sns", "sqs", "stripe"}, pool="payments")
    def collected_fees(
        context: dg.AssetExecutionContext,
        splits: Frames,
        ledger: LedgerResource,
        bus: PayoutBus,
        stripe: StripeResource,
    ) -> dg.MaterializeResult[Any]:
        """The day's fees booked in the ledger, and each player charged once for all that is open.

        Materialise it again at any time: it books what has changed, goes on where it stopped, and charges nobody twice.
        """
        with payments(context, ledger, bus, stripe) as payment:
            _each_day(
                context,
                payment,
                [BillingType.PLAYER_CHARGE],
                lambda day: payment.collect_fees(day, splits[day.isoformat()]),
            )
        return dg.MaterializeResult()

    return collected_fees


def _settled_payouts(partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @_asset(partitions, {"postgres", "sns", "sqs", "stripe"}, deps=["collected_fees"], pool="payments")
    def settled_payouts(
        context: dg.AssetExecutionContext, ledger: LedgerResource, bus: PayoutBus, stripe: StripeResource
    ) -> dg.MaterializeResult[Any]:
        """The shares of the fees that were really collected, paid once to each club, organiser and partner.

        Materialise it again at any time: it pays what has become payable since, and nothing twice.
        """
        with payments(context, ledger, bus, stripe) as payment:
            _each_day(context, payment, PAYOUT_TYPES, payment.pay_out)
        return dg.MaterializeResult()

    return settled_payouts


def _each_day(
    context: dg.AssetExecutionContext,
    payment: Payments,
    billing_types: Sequence[BillingType],
    move: Callable[[date], Changed],
) -> None:
    """Move each day of the run forward, oldest first, and show where it stands."""
    for key in context.partition_keys:
        day = date.fromisoformat(key)
        changed = move(day)
        status = day_status(payment.ledger, day)
        context.add_asset_metadata(metadata.of_money(status, changed, billing_types), partition_key=key)
