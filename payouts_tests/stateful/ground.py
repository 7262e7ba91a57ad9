"""What all steps stand on: one example, and the actions that several steps share."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from datetime import date, timedelta
from functools import wraps
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from payouts_pipeline.domain.billing import PAYOUT_TYPES, RETURN_TYPES, BillingType
from payouts_pipeline.domain.splits import split
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import identity, outbox
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.identity import Account
from payouts_pipeline.local.stripe_emulator.admin import FaultRule
from payouts_pipeline.settlement.messages import Message
from payouts_pipeline.settlement.stripe_client import StripeAwayError
from payouts_pipeline.settlement.worker import Worker
from payouts_pipeline.workflow import phases
from payouts_pipeline.workflow.funds import Funds
from payouts_tests.stateful.bus import Bus
from payouts_tests.stateful.expectation import Expectation
from payouts_tests.stateful.faults import FAULTS, LATE
from payouts_tests.stateful.invariants import Watch
from payouts_tests.stateful.neighbour import Neighbour
from payouts_tests.stateful.operations import PERSON, Operator
from payouts_tests.stateful.past import Backup, Past, Seen
from payouts_tests.stateful.season import CURRENCIES, DAYS, Season
from payouts_tests.stateful.workers import Stopped, WorkerDied
from payouts_tests.stateful.world import HOUR_S, TIMEOUT_S, Parts, World
from payouts_tests.support.leagues import SYDNEY, League
from payouts_tests.support.ledger_steps import LEASE_S

NUMBER = st.integers(0, 11)
NUMBERS = st.lists(NUMBER, min_size=1, max_size=6)
DAY = st.integers(0, len(DAYS) - 1)
FAULT = st.sampled_from(range(len(FAULTS)))
PLENTY_MINOR = {currency.lower(): 10**12 for currency in CURRENCIES}
CHARGES = (BillingType.PLAYER_CHARGE,)
OUR_ACCOUNT = Account("acct_emulated", "test")


def step(action: Callable[..., None]) -> Callable[..., None]:
    """A rule that failed leaves nothing that could still be settled."""

    @wraps(action)
    def counted(self: "Ground", **numbers: Any) -> None:
        self.is_sound = False
        self.parts.world.steps += 1
        action(self, **numbers)

    return counted


class Ground(RuleBasedStateMachine):
    """One example: the real parts, what should come of it, and who remembers what."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.is_sound = False
        self.parts = Parts.start(self.world)
        self.parts.stripe.set_balance(PLENTY_MINOR)
        self.season = Season(League(self.parts.source), self.parts.stripe)
        self.expectation = Expectation(self.parts.source, self.season)
        self.past = Past()
        self.backup: Backup | None = None
        self.watch = Watch(self.parts, self.expectation, self.past)
        self.operator = Operator(self.parts, self.season, self.expectation, self.past, self.watch)
        self.neighbour = Neighbour(self.world.stripe, self.season, TIMEOUT_S)
        self.bus = Bus()
        self.last_jump_s = 2 * HOUR_S
        self.stopped: list[Stopped] = []
        # Whether the last payout to the bank of an account, in a currency, came back.
        self.banks: dict[tuple[str, str], bool] = {}

    @property
    def ledger(self) -> Connection:
        return self.parts.ledger

    @property
    def source(self) -> Connection:
        return self.parts.source

    def _materialise(self, day: date) -> None:
        """Both phases, with workers that do what they can; nothing where the ledger may not send."""
        if not self._may_run(day):
            return
        worker = self.parts.worker("worker of the run")
        self._collect(self.ledger, self.source, day)
        self._publish(day, CHARGES, "")
        self._publish(day, RETURN_TYPES, "")
        self._deliver(worker, self.bus.queued.copy())
        self._pay_out(self.ledger, self.source, day)
        self.watch.note_released()
        if self._share_out(day):
            self._publish(day, PAYOUT_TYPES, "")
        self._deliver(worker, self.bus.queued.copy())

    def _share_out(self, day: date) -> bool:
        """Have what our balance does not cover wait; False where Stripe does not say what that is."""
        try:
            Funds(self.ledger, self.parts.settlement, "run").share_out(day)
        except PayoutsError as refused:
            self._stands_badly(refused)
            return False
        return True

    def _may_run(self, day: date) -> bool:
        """What a run asks before it writes anything (`Payments`)."""
        if outbox.may_need_provider(self.ledger, day):
            try:
                self.parts.standing.check()
            except PayoutsError as refused:
                self._stands_badly(refused)
                return False
        return True

    def _stands_badly(self, refused: PayoutsError) -> None:
        """Fail unless the ledger was rightly told to send nothing; of a neighbour a person says that it is meant."""
        if isinstance(refused, StripeAwayError):
            return
        if "Another ledger" in str(refused):
            assert not identity.has_sent(self.ledger)
            identity.set_beside(self.ledger, OUR_ACCOUNT, PERSON, "two that are meant to be")
            return
        assert "run 'payouts recover'" in str(refused), refused
        assert self.past.at_restore is not None, f"nothing was restored: {refused}"

    def _collect(self, ledger: Connection, source: Connection, day: date) -> None:
        self._collect_and_expect_nothing(ledger, source, day)
        self.expectation.booked_anew(day)
        self.watch.note_released()

    @staticmethod
    def _collect_and_expect_nothing(ledger: Connection, source: Connection, day: date) -> None:
        phases.open_charges(ledger, source, day, split(reader.fees_of_day(source, day, SYDNEY)), "run")

    @staticmethod
    def _pay_out(ledger: Connection, source: Connection, day: date) -> None:
        phases.open_payouts(ledger, source, day, {}, "run")

    def _publish(self, day: date, kinds: Any, dies: str) -> None:
        if dies != "before publishing":
            self.bus.publish(self.ledger, day, kinds, timedelta(0), dies=dies == "after publishing")

    def _deliver(self, worker: Worker, messages: Sequence[tuple[BillingType, Message]], *, again: bool = False) -> None:
        """A worker that may not send leaves its messages on the queue."""
        try:
            self.bus.deliver(worker, messages, again=again)
        except PayoutsError as refused:
            self._stands_badly(refused)

    def _deliver_one_by_one(self, picks: list[int], calls: Executor) -> None:
        worker = Worker(
            self.parts.ledger_database.connect,
            self.parts.provider,
            calls,
            self.parts.standing,
            "unlucky worker",
            LEASE_S,
        )
        for message in self.bus.take(picks):
            with suppress(WorkerDied):
                self._deliver(worker, [message])

    def _fail(self, fault: int, *, times: int, method: str = "POST", nth: int | None = None) -> None:
        chosen = FAULTS[fault]
        self.parts.stripe.add_faults(FaultRule(**chosen, method=method, times=times, nth=nth))
        if chosen["kind"] in LATE:
            self.parts.expect_late_answers()

    def _pass_time(self, seconds: int) -> None:
        """For the ledger and the emulator alike; no call outlives more than a minute of it."""
        if seconds > 60:
            self.parts.await_late_answers()
        for stopped in self.stopped:
            stopped.age_s += seconds
        self.parts.pass_time(seconds)

    def _seen(self) -> Seen:
        return Seen.of(self.parts.stripe)
