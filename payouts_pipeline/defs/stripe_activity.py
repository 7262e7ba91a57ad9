"""Asset `stripe_activity`: what moved our account at Stripe, day by day, and whether we understand it.

Upstream of nothing that pays: where Stripe can't be asked, or the pipeline has no key, it shows what is kept.
"""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from payouts_pipeline.defs import activity_metadata, columns
from payouts_pipeline.defs.assets import PAID, Events, asset_of_days
from payouts_pipeline.defs.external_assets import STRIPE
from payouts_pipeline.defs.partition_isolation import DaysOfRun
from payouts_pipeline.defs.resources import LedgerResource, StripeResource
from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.calendar import bounds
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import provider_journal
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports import activity

_NO_KEY = "this process has no key of Stripe's (PAYOUTS_WORKERS is 0)"


def build_stripe_activity(partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset on these partitions."""
    timezone = ZoneInfo(partitions.timezone)
    schema: dict[str, Any] = {"dagster/column_schema": columns.activity_schema()}

    # After the payouts, so that it shows what they moved; nothing waits for it.
    @asset_of_days(
        partitions,
        {"stripe", "postgres", "parquet"},
        "reads_stripe",
        deps=[STRIPE, PAID],
        pool="ledger",
        metadata=schema,
    )
    def stripe_activity(context: dg.AssetExecutionContext, ledger: LedgerResource, stripe: StripeResource) -> Events:
        """**What happened at Stripe:** a row for each line of its journal of our account that day, and what it was for.

        Charges and transfers, Stripe's fees, refunds, disputes, reversals, top-ups and payouts to our bank. `summary`
        says how much came and went and what is not understood; `not_understood` names it. The checks compare each
        movement with its instruction, and our balance at Stripe with the ledger.

        *Something not understood?* Look it up in Stripe's dashboard by its id. `payouts sync` reads Stripe's journal at
        once; a sensor does so every minute. Materialise a day again to see what was brought in since.
        """
        days, frames = DaysOfRun(context, "stripe_activity"), {}
        with ledger.connect() as connection:
            note = _bring_in(connection, ledger, stripe, _end(days, timezone), f"run {context.run.run_id}")
            for day in days:
                with days.alone(day):
                    of_day = date.fromisoformat(day)
                    lines = activity.of_day(connection, of_day, timezone)
                    frames[day] = Batches.single(lines)
                    balances = activity.balances(connection)
                    days.show(day, activity_metadata.of_activity(of_day, lines, balances, note))
        yield from days.frames(frames)
        days.end()

    return stripe_activity


def _end(days: DaysOfRun, timezone: ZoneInfo) -> datetime | None:
    """When the last day of the run was over."""
    return max((bounds(date.fromisoformat(day), timezone)[1] for day in days), default=None)


def _bring_in(
    connection: Connection, ledger: LedgerResource, stripe: StripeResource, end: datetime | None, actor: str
) -> str:
    """Read Stripe's journal up to then, unless it was; why not, if it could not be read."""
    if end is None or provider_journal.is_current(connection, end):
        return ""
    if not stripe.workers:
        return _NO_KEY
    # Not at import: Stripe's SDK takes time that loading the definitions should not.
    from payouts_pipeline.workflow.sync import sync_own

    try:
        with stripe.settlement(ledger.database_url)() as parts:
            sync_own(connection, parts, actor)
    except PayoutsError as error:
        return str(error)
    return ""
