"""The two money phases of a day, each safe to repeat: book and collect, then release and pay out.

What reaches SNS, SQS and Stripe is imported when a day is moved: Dagster loads this module with the definitions, and
their SDKs would take a third of that time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date, timedelta
from functools import cached_property, partial
from operator import add
from typing import TYPE_CHECKING, Any

from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.billing import PAYOUT_TYPES, RETURN_TYPES, BillingType
from payouts_pipeline.domain.change_limits import ChangeLimit
from payouts_pipeline.domain.limits import Limits
from payouts_pipeline.ledger import cancellations, outbox
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.locks import only_run_of
from payouts_pipeline.workflow import phases
from payouts_pipeline.workflow.funds import Funds

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

    from payouts_pipeline.settlement.assemble import Settlement
    from payouts_pipeline.settlement.topology import Topology


@dataclass(frozen=True)
class Changed:
    """What one materialisation changed; all zero where the day was done with."""

    fee_components: int = 0
    instructions: int = 0
    messages: int = 0
    provider_calls: int = 0

    def __add__(self, other: "Changed") -> "Changed":
        """What two steps changed together."""
        return Changed(*map(add, astuple(self), astuple(other)))


@dataclass(frozen=True)
class Payments:
    """What it takes to move a day: the ledger, the league, the bus, and what settles, unless a fleet does."""

    timezone: str
    ledger: Connection
    connect_source: Callable[[], Connection]
    sns: "SNSClient"
    sqs: "SQSClient"
    topology: "Topology"
    # Made when a day first needs it.
    settlement: "Callable[[], Settlement] | None"
    minimum_payouts_minor: Mapping[str, int]
    limits: Limits
    change_limit: ChangeLimit
    timeout: timedelta
    actor: str
    report: Callable[[str], None]

    def collect_fees(self, day: date, splits: Batches) -> Changed:
        """Book the day's splits, charge the players, and wait for the outcome."""
        with only_run_of(self.ledger, day, self.report):
            # Before anything is written: a wrong key would turn all charges away.
            self._check_stripe(day)
            parts = day, splits, self.actor, self.limits, self.timezone, self.change_limit
            open_charges = partial(self._open, phases.open_charges, *parts)
            changed = self._settle(day, open_charges, [BillingType.PLAYER_CHARGE])
            # Before anything is paid out: what a person has asked to be given back.
            return changed + self._settle_once(day, phases.Progress(), RETURN_TYPES)

    def pay_out(self, day: date) -> Changed:
        """Release what was collected, pay the payees, and wait for the outcome."""
        with only_run_of(self.ledger, day, self.report):
            return self._settle(day, partial(self._open_payouts, day), PAYOUT_TYPES)

    def _open_payouts(self, day: date) -> phases.Progress:
        """Make the payouts, and have those wait that our balance does not cover."""
        parts = day, self.minimum_payouts_minor, self.actor, self.limits
        progress = self._open(phases.open_payouts, *parts)
        return replace(progress, instructions=progress.instructions + self._funds.share_out(day))

    @cached_property
    def _funds(self) -> Funds:
        """Our balance is asked for once."""
        return Funds(self.ledger, self.settlement, self.actor)

    def _open(self, phase: Callable[..., phases.Progress], *parts: Any) -> phases.Progress:
        """While the phase before was settled, nothing was read of the source: its connection may be gone."""
        return phase(self.ledger, self.connect_source(), *parts)

    def _check_stripe(self, day: date) -> None:
        """Raise PayoutsError where the day needs Stripe, and can't reach it or it is not this ledger's account."""
        if self.settlement and outbox.may_need_provider(self.ledger, day):
            self.settlement().standing.check()

    def _settle(self, day: date, open_phase: Callable[[], phases.Progress], kinds: Sequence[BillingType]) -> Changed:
        """Open the phase and wait for its outcome; again where a worker has cancelled something."""
        changed = Changed()
        is_open = True
        while is_open:
            asked_before = self._funds.calls
            progress = open_phase()
            changed += Changed(provider_calls=self._funds.calls - asked_before)
            self._check_stripe(day)
            being_cancelled = cancellations.count_open(self.ledger, day, kinds)
            changed += self._settle_once(day, progress, kinds)
            is_open = cancellations.count_open(self.ledger, day, kinds) < being_cancelled
        return changed

    def _settle_once(self, day: date, progress: phases.Progress, kinds: Sequence[BillingType]) -> Changed:
        changed = Changed(progress.fee_components, progress.instructions)
        if outbox.is_quiet(self.ledger, day, kinds):
            return changed
        from payouts_pipeline.workflow.publish import Phase

        phase = Phase(self.ledger, self.sns, self.topology, day, kinds, self.actor, self.report)
        if not self.settlement:
            return changed + Changed(messages=phase.settle(None, self.timeout))
        settlement = self.settlement()
        calls_before = settlement.calls
        messages = phase.settle(partial(settlement.pool, self.sqs, self.topology, kinds), self.timeout)
        return changed + Changed(messages=messages, provider_calls=settlement.calls - calls_before)
