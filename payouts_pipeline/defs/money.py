"""How the two money assets reach the ledger, the bus and Stripe: one set of connections for a run's step."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import dagster as dg

from payouts_pipeline.defs.resources import LedgerResource, PayoutBus, StripeResource
from payouts_pipeline.workflow.pay_day import Payments


@contextmanager
def payments(
    context: dg.AssetExecutionContext, ledger: LedgerResource, bus: PayoutBus, stripe: StripeResource
) -> Iterator[Payments]:
    """Everything that moves a day, closed again when the step ends."""
    settles = stripe.settlement(ledger.database_url) if stripe.workers else nullcontext()
    with ledger.connect() as connection, ledger.connect_source() as source, settles as settlement:
        yield Payments(
            timezone=_timezone(context),
            ledger=connection,
            source=source,
            sns=bus.sns(),
            sqs=bus.sqs(),
            topology=bus.topology(),
            settlement=settlement,
            minimum_payouts_minor=stripe.minimum_payouts_minor,
            approval_above_minor=stripe.approval_above_minor,
            timeout=stripe.timeout,
            actor=f"run {context.run.run_id}",
            report=context.log.info,
        )


def _timezone(context: dg.AssetExecutionContext) -> str:
    """The timezone of the asset's partitions."""
    partitions = context.assets_def.partitions_def
    if not isinstance(partitions, dg.DailyPartitionsDefinition):
        raise TypeError("the money assets have daily partitions")
    return partitions.timezone
