"""Everything that can happen to a league, its days, its messages, its workers and its provider, in any order.

Every argument is a number that wraps around what is there, so that an example means the same again whatever
threads and clocks did, and stays meaningful when hypothesis takes steps out of it.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import date, timedelta
from functools import wraps
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from payouts_pipeline.domain.billing import PAYOUT_TYPES, BillingType
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import attempts
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.local.stripe_emulator.admin import FaultKind, FaultRule
from payouts_pipeline.settlement.worker import Worker
from payouts_pipeline.workflow import phases
from payouts_tests.stateful.bus import Bus
from payouts_tests.stateful.expectation import Expectation, unpaid_above_minimum
from payouts_tests.stateful.invariants import Watch
from payouts_tests.stateful.operations import Operator
from payouts_tests.stateful.season import CLOSING_DAY, CURRENCIES, DAYS, Season, pick
from payouts_tests.stateful.workers import DyingCalls, Stopped, StoppingCalls, WorkerDied
from payouts_tests.stateful.world import LATE_S, Parts, World
from payouts_tests.support.leagues import SYDNEY, League
from payouts_tests.support.ledger_steps import LEASE_S, fingerprint, pass_time
from payouts_tests.support.trust import TRUSTED

NUMBER = st.integers(0, 11)
NUMBERS = st.lists(NUMBER, min_size=1, max_size=6)
DAY = st.integers(0, len(DAYS) - 1)
HOUR_S = 3_600
# A lease, the wait for lost messages, a rate limit, a key, a card's first and last retry.
JUMPS_S = st.sampled_from([5, 90, 20 * 60, 2 * HOUR_S, 25 * HOUR_S, 74 * HOUR_S, 122 * HOUR_S])
PLENTY_MINOR = {currency.lower(): 10**12 for currency in CURRENCIES}
CHARGES = (BillingType.PLAYER_CHARGE,)
# Stripe replays a stored error for as long as it knows the key.
ROUND_S = 12 * HOUR_S
ROUNDS = 10
FOREIGN = ("", "{}", '{"version": 2}', '{"version": 1, "instruction_id": "00000000-0000-0000-0000-000000000000"}')

FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": FaultKind.DROP_BEFORE},
    {"kind": FaultKind.DROP_AFTER},
    {"kind": FaultKind.DROP_DURING},
    {"kind": FaultKind.ERROR_500},
    {"kind": FaultKind.STORED_500, "acted": True},
    {"kind": FaultKind.STORED_500, "acted": False},
    {"kind": FaultKind.CONFLICT_409},
    {"kind": FaultKind.RATE_LIMIT_429},
    {"kind": FaultKind.RATE_LIMIT_429, "code": "lock_timeout"},
    {"kind": FaultKind.BALANCE_INSUFFICIENT},
    {"kind": FaultKind.DECLINE, "decline_code": "insufficient_funds"},
    {"kind": FaultKind.DECLINE, "decline_code": "stolen_card"},
    {"kind": FaultKind.SLOW, "delay_s": LATE_S},
    {"kind": FaultKind.SLOW_AFTER, "delay_s": LATE_S},
)
CORRECTIONS = (
    "line_up", "line_up", "strike_off", "move_to_match", "move_to_player", "other_club", "other_status", "other_day",
    "other_fee", "other_fee", "other_shares", "other_currency", "other_organiser", "new_player", "new_match",
)  # fmt: skip
FAULT = st.sampled_from(range(len(FAULTS)))
LATE = {FaultKind.SLOW, FaultKind.SLOW_AFTER}


def step(action: Callable[..., None]) -> Callable[..., None]:
    """A rule that failed leaves nothing that could still be settled."""

    @wraps(action)
    def counted(self: "Payouts", **numbers: Any) -> None:
        self.is_sound = False
        self.parts.world.steps += 1
        action(self, **numbers)

    return counted


class Payouts(RuleBasedStateMachine):
    """The product with real parts under it, except for the bus, which does the worst that SQS may do."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.is_sound = False
        self.parts = Parts.start(self.world)
        self._connections = ExitStack()
        self.ledger, self.source, table = (self._connections.enter_context(self.parts.connect()) for _ in range(3))
        self.parts.stripe.set_balance(PLENTY_MINOR)
        self.season = Season(League(table), self.parts.stripe)
        self.expectation = Expectation(table, self.season)
        self.watch = Watch(self.ledger, self.expectation)
        self.operator = Operator(self.ledger, self.source, self.season, self.expectation)
        self.bus = Bus()
        self.last_jump_s = 2 * HOUR_S
        self.stopped: list[Stopped] = []

    @initialize(
        lines=st.lists(st.tuples(NUMBER, NUMBER), min_size=6, max_size=12),
        faults=st.lists(FAULT, max_size=3),
        days=st.lists(DAY, min_size=1, max_size=3),
        last_jump_s=JUMPS_S,
    )
    @step
    def begin(self, lines: list[tuple[int, int]], faults: list[int], days: list[int], last_jump_s: int) -> None:
        for match, player in lines:
            self.season.line_up(match, player)
        for fault in faults:
            self._fail(fault, times=1)
        for day in days:
            self._materialise(pick(DAYS, day))
        self.last_jump_s = max(last_jump_s, 2 * HOUR_S)

    # The league changes.

    @rule(changes=st.lists(st.tuples(st.sampled_from(CORRECTIONS), NUMBER, NUMBER), min_size=1, max_size=4))
    @step
    def correct(self, changes: list[tuple[str, int, int]]) -> None:
        for change, first, second in changes:
            getattr(self.season, change)(first, second)

    @rule(changes=st.lists(st.tuples(st.booleans(), NUMBER, NUMBER), min_size=1, max_size=3))
    @step
    def other_stripe_ids(self, changes: list[tuple[bool, int, int]]) -> None:
        for is_player, whose, becomes in changes:
            (self.season.other_card if is_player else self.season.other_account)(whose, becomes)

    # Days are materialised, and die on the way.

    @rule(day=DAY, dies=st.sampled_from(["", "", "before publishing", "after publishing"]))
    @step
    def collect(self, day: int, dies: str) -> None:
        self._collect(self.ledger, self.source, pick(DAYS, day))
        self._publish(pick(DAYS, day), CHARGES, dies)

    @rule(day=DAY, dies=st.sampled_from(["", "", "before publishing", "after publishing"]))
    @step
    def pay_out(self, day: int, dies: str) -> None:
        self._pay_out(self.ledger, self.source, pick(DAYS, day))
        self._publish(pick(DAYS, day), PAYOUT_TYPES, dies)

    @rule(days=st.lists(DAY, min_size=1, max_size=3))
    @step
    def materialise(self, days: list[int]) -> None:
        for day in days:
            self._materialise(pick(DAYS, day))

    @rule(change=st.sampled_from(CORRECTIONS), first=NUMBER, second=NUMBER, day=DAY)
    @step
    def correct_and_materialise(self, change: str, first: int, second: int, day: int) -> None:
        getattr(self.season, change)(first, second)
        self._materialise(pick(DAYS, day))

    @rule(day=DAY)
    @step
    def materialise_again(self, day: int) -> None:
        """Twice in a row with nothing in between: the second time writes nothing."""
        chosen = pick(DAYS, day)
        for phase in (self._collect, self._pay_out):
            phase(self.ledger, self.source, chosen)
            before = fingerprint(self.ledger)
            phase(self.ledger, self.source, chosen)
            assert fingerprint(self.ledger) == before, f"{phase.__name__} of {chosen} wrote again"

    @rule(days=st.tuples(DAY, DAY, DAY))
    @step
    def materialise_at_once(self, days: tuple[int, ...]) -> None:
        """Several runs of the same and of other days, on connections of their own, without the lock of the run."""
        for phase in (self._collect_and_expect_nothing, self._pay_out):
            with ThreadPoolExecutor(len(days)) as runs:
                list(runs.map(self._on_own_connections, [phase] * len(days), [pick(DAYS, day) for day in days]))
            for day in {pick(DAYS, day) for day in days}:
                if phase == self._collect_and_expect_nothing:
                    self.expectation.booked_anew(day)
                self._publish(day, [*CHARGES, *PAYOUT_TYPES], "")

    def _on_own_connections(self, phase: Callable[[Connection, Connection, date], None], day: date) -> None:
        with self.parts.connect() as ledger, self.parts.connect() as source:
            phase(ledger, source, day)

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

    def _materialise(self, day: date) -> None:
        """Both phases, with workers that do what they can."""
        worker = self.parts.worker("worker of the run")
        self._collect(self.ledger, self.source, day)
        self._publish(day, CHARGES, "")
        self.bus.deliver(worker, self.bus.queued.copy())
        self._pay_out(self.ledger, self.source, day)
        self.watch.note_released()
        self._publish(day, PAYOUT_TYPES, "")
        self.bus.deliver(worker, self.bus.queued.copy())

    # A person intervenes.

    @rule(whom=NUMBERS)
    @step
    def hold(self, whom: list[int]) -> None:
        for number in whom:
            self.operator.hold(number)

    @rule(whom=NUMBERS, match=NUMBER, player=NUMBER, fee=NUMBER, day=DAY)
    @step
    def hold_and_materialise(self, whom: list[int], match: int, player: int, fee: int, day: int) -> None:
        """There is something to pay, and some of it is held back."""
        for number in whom:
            self.operator.hold(number)
        self.season.line_up(match, player)
        self.season.other_fee(match, fee)
        self._materialise(pick(DAYS, day))

    @rule(whom=NUMBERS)
    @step
    def release(self, whom: list[int]) -> None:
        for number in whom:
            self.operator.release(number)

    @rule(which=NUMBERS)
    @step
    def cancel(self, which: list[int]) -> None:
        for number in which:
            self.operator.cancel(number)

    # Messages come in any order, again, late or never, and workers die over them.

    @rule(picks=NUMBERS, again=st.booleans())
    @step
    def deliver(self, picks: list[int], *, again: bool) -> None:
        self.bus.deliver(self.parts.worker("worker"), self.bus.take(picks), again=again)

    @rule(picks=NUMBERS)
    @step
    def deliver_to_two_at_once(self, picks: list[int]) -> None:
        messages = self.bus.take(picks)
        with ThreadPoolExecutor(2) as pool:
            workers = [self.parts.worker(f"worker {number}") for number in (1, 2)]
            list(pool.map(lambda worker: self.bus.deliver(worker, messages, again=True), workers))

    @rule(picks=NUMBERS, text=st.none() | st.sampled_from(FOREIGN))
    @step
    def lose_or_forge(self, picks: list[int], text: str | None) -> None:
        """Messages vanish, or somebody else writes one: then no provider is called, and it is put away."""
        if text is None:
            self.bus.lose(picks)
            return
        calls, letters = self.parts.provider.calls, self.bus.dead_letters
        self.bus.put(BillingType.CLUB_PAYOUT, text)
        self.bus.deliver(self.parts.worker("worker"), self.bus.queued[-1:])
        assert (self.parts.provider.calls, self.bus.dead_letters) == (calls, letters + 1)

    @rule(picks=NUMBERS, has_called=st.booleans())
    @step
    def worker_dies(self, picks: list[int], *, has_called: bool) -> None:
        """Before its call or after it, and never writes what came of it."""
        self._deliver_one_by_one(picks, DyingCalls(has_called=has_called))

    @rule(picks=NUMBERS)
    @step
    def worker_stops(self, picks: list[int]) -> None:
        """Between its claim and its call, such as a machine that is suspended."""
        calls = StoppingCalls()
        self._deliver_one_by_one(picks, calls)
        self.stopped += calls.stopped

    def _deliver_one_by_one(self, picks: list[int], calls: Executor) -> None:
        worker = Worker(self.parts.connect, self.parts.provider, calls, TRUSTED, "unlucky worker", LEASE_S)
        for message in self.bus.take(picks):
            with suppress(WorkerDied):
                self.bus.deliver(worker, [message])

    @rule(first=NUMBER)
    @step
    def worker_goes_on(self, first: int) -> None:
        """And does not know that it was taken for dead."""
        if self.stopped:
            with suppress(attempts.TakenOver):
                outcome = self.stopped.pop(first % len(self.stopped)).go_on()
                attempts.record(self.ledger, [outcome], "late worker")

    # The provider fails, and time passes.

    @rule(
        fault=FAULT,
        method=st.sampled_from(["POST", "POST", "GET"]),
        times=st.sampled_from([1, 1, 2, 5]),
        nth=st.none() | st.sampled_from([2, 3]),
    )
    @step
    def provider_fails(self, fault: int, method: str, times: int, nth: int | None) -> None:
        self._fail(fault, method=method, times=times, nth=nth)

    @rule(faults=st.lists(FAULT, min_size=1, max_size=2), match=NUMBER, player=NUMBER, fee=NUMBER, day=DAY)
    @step
    def materialise_while_it_fails(self, faults: list[int], match: int, player: int, fee: int, day: int) -> None:
        """There is something to pay, and it goes wrong."""
        self.season.line_up(match, player)
        self.season.other_fee(match, fee)
        for fault in faults:
            self._fail(fault, times=1)
        self._materialise(pick(DAYS, day))

    def _fail(self, fault: int, *, times: int, method: str = "POST", nth: int | None = None) -> None:
        chosen = FAULTS[fault]
        self.parts.stripe.add_faults(FaultRule(**chosen, method=method, times=times, nth=nth))
        if chosen["kind"] in LATE:
            self.parts.expect_late_answers()

    @rule(match=NUMBER, player=NUMBER, day=DAY, has_called=st.booleans())
    @step
    def worker_dies_over_new_charges(self, match: int, player: int, day: int, *, has_called: bool) -> None:
        self.season.line_up(match, player)
        self._collect(self.ledger, self.source, pick(DAYS, day))
        self._publish(pick(DAYS, day), CHARGES, "")
        self._deliver_one_by_one(list(range(12)), DyingCalls(has_called=has_called))

    @rule(is_empty=st.sampled_from([False, False, True]))
    @step
    def provider_recovers(self, *, is_empty: bool) -> None:
        """Nothing goes wrong any more, unless there is no money to pay out of."""
        self.parts.stripe.clear_faults()
        self.parts.stripe.set_balance(dict.fromkeys(PLENTY_MINOR, 0) if is_empty else PLENTY_MINOR)

    @rule(seconds=JUMPS_S)
    @step
    def time_passes(self, seconds: int) -> None:
        self._pass_time(seconds)

    def _pass_time(self, seconds: int) -> None:
        """For the ledger and the emulator alike; no call outlives more than a minute of it."""
        if seconds > 60:
            self.parts.await_late_answers()
        for stopped in self.stopped:
            stopped.age_s += seconds
        self.parts.stripe.advance_clock(seconds)
        pass_time(self.ledger, seconds / HOUR_S)

    # What must hold.

    @invariant()
    def nothing_is_wrong(self) -> None:
        journal = self.parts.stripe.journal()
        self.watch.look(journal)
        self.operator.look(journal)
        self.is_sound = True

    def teardown(self) -> None:
        try:
            if self.is_sound:
                self._settle_all()
        finally:
            self._connections.close()
            self.parts.stop()

    def _settle_all(self) -> None:
        """Mend what a person would mend, and materialise until nothing moves: then everyone has what is due."""
        self.parts.await_late_answers()
        self.parts.stripe.clear_faults()
        self.parts.stripe.set_balance(PLENTY_MINOR)
        self.season.mend()
        self.operator.release_all()
        self._pass_time(self.last_jump_s)
        self._until_quiet(DAYS)
        left = unpaid_above_minimum(self.expectation.due(), self._moved())
        assert left == {}, "more is left than the minimum explains"
        self.season.close()
        self._until_quiet([*DAYS, CLOSING_DAY])
        assert self._moved() == dict(self.expectation.due())

    def _moved(self) -> dict[Any, int]:
        return dict(self.expectation.moved(self.parts.stripe.journal()))

    def _until_quiet(self, days: Sequence[date]) -> None:
        """Return once all days were materialised without a row, a message or a call."""
        moving: dict[str, Any] = {}
        for _ in range(ROUNDS):
            before = self._state()
            for day in days:
                self._materialise(day)
            self.nothing_is_wrong()
            moving = {name: value for name, value in self._state().items() if before[name] != value}
            if not moving:
                return
            self._pass_time(ROUND_S)
        raise AssertionError(f"after {ROUNDS} rounds still moves: {moving}, {self._open_instructions()}")

    def _open_instructions(self) -> list[tuple[Any, ...]]:
        query = (
            "select billing_type, status, reason_code, count(*) from payouts.instructions"
            " group by 1, 2, 3 order by 1, 2"
        )
        return self.ledger.execute(query).fetchall()

    def _state(self) -> dict[str, Any]:
        return fingerprint(self.ledger) | {"messages": self.bus.published, "calls": self.parts.provider.calls}
