"""The two money stages of a day, each safe to repeat: book and collect, then release and pay out.

What reaches SNS, SQS and Stripe is imported when a day is moved: Dagster loads this module with the definitions, and
their SDKs would take a third of that time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from payouts_pipeline.domain.billing import PAYOUT_TYPES, BillingType
from payouts_pipeline.ledger import outbox
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.locks import only_run_of
from payouts_pipeline.workflow import phases

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

    from payouts_pipeline.settlement.stripe_client import Provider
    from payouts_pipeline.settlement.topology import Topology
    from payouts_pipeline.settlement.worker_pool import Fleet


@dataclass(frozen=True)
class Changed:
    """What one materialisation changed; all zero where the day was done with."""

    fee_components: int = 0
    instructions: int = 0
    messages: int = 0
    provider_calls: int = 0


@dataclass(frozen=True)
class Payments:
    """What it takes to move a day: the ledger, the league, the bus, and the provider if the run settles itself."""

    timezone: str
    ledger: Connection
    ledger_url: str
    source: Connection
    sns: "SNSClient"
    sqs: "SQSClient"
    topology: "Topology"
    provider: "Provider | None"
    threads: int
    minimum_payouts_minor: Mapping[str, int]
    approval_above_minor: Mapping[str, int]
    timeout: timedelta
    actor: str
    report: Callable[[str], None]
    # How long a worker may be silent; as long as any worker may without it.
    lease_s: float | None = None

    def collect_fees(self, day: date, splits: pd.DataFrame) -> Changed:
        """Book the day's splits, charge the players, and wait for the outcome."""
        with only_run_of(self.ledger, day, self.report):
            # Before anything is written: a wrong key would turn all charges away.
            if self.provider and outbox.may_need_provider(self.ledger, day):
                self.provider.check()
            progress = phases.open_charges(
                self.ledger, self.source, day, splits, self.actor, self.approval_above_minor, self.timezone
            )
            return self._settle(day, progress, [BillingType.PLAYER_CHARGE])

    def pay_out(self, day: date) -> Changed:
        """Release what was collected, pay the payees, and wait for the outcome."""
        with only_run_of(self.ledger, day, self.report):
            progress = phases.open_payouts(
                self.ledger, self.source, day, self.minimum_payouts_minor, self.actor, self.approval_above_minor
            )
            if self.provider and outbox.may_need_provider(self.ledger, day):
                self.provider.check()
            return self._settle(day, progress, PAYOUT_TYPES)

    def _settle(self, day: date, progress: phases.Progress, kinds: Sequence[BillingType]) -> Changed:
        from payouts_pipeline.workflow.publish import Stage

        calls_before = self.provider.calls if self.provider else 0
        stage = Stage(self.ledger, self.sns, self.topology, day, kinds, self.actor, self.report)
        messages = stage.settle(self._fleet(kinds), self.timeout)
        calls = self.provider.calls - calls_before if self.provider else 0
        return Changed(progress.fee_components, progress.instructions, messages, calls)

    def _fleet(self, kinds: Sequence[BillingType]) -> "Callable[[], Fleet] | None":
        """Workers of the run's own, unless a separate fleet settles."""
        provider = self.provider
        if provider is None:
            return None
        from payouts_pipeline.settlement.worker import LEASE_S
        from payouts_pipeline.settlement.worker_pool import Fleet

        lease_s = self.lease_s or LEASE_S
        return lambda: Fleet(self.ledger_url, self.sqs, self.topology, provider, kinds, self.threads, lease_s)
