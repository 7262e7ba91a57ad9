"""Messages come in any order, again, late or never, and workers die over them."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from hypothesis import strategies as st
from hypothesis.stateful import rule

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.ledger import attempts
from payouts_tests.stateful.ground import CHARGES, DAY, NUMBER, NUMBERS, Ground, step
from payouts_tests.stateful.season import DAYS, pick
from payouts_tests.stateful.workers import DyingCalls, StoppingCalls

FOREIGN = ("", "{}", '{"version": 2}', '{"version": 1, "instruction_id": "00000000-0000-0000-0000-000000000000"}')


class StepsOfDelivery(Ground):
    """What happens between the outbox and the provider."""

    @rule(picks=NUMBERS, again=st.booleans())
    @step
    def deliver(self, picks: list[int], *, again: bool) -> None:
        self._deliver(self.parts.worker("worker"), self.bus.take(picks), again=again)

    @rule(picks=NUMBERS)
    @step
    def deliver_to_two_at_once(self, picks: list[int]) -> None:
        messages = self.bus.take(picks)
        with ThreadPoolExecutor(2) as pool:
            workers = [self.parts.worker(f"worker {number}") for number in (1, 2)]
            list(pool.map(lambda worker: self._deliver(worker, messages, again=True), workers))

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

    @rule(first=NUMBER)
    @step
    def worker_goes_on(self, first: int) -> None:
        """And does not know that it was taken for dead."""
        if self.stopped:
            with suppress(attempts.TakenOver):
                outcome = self.stopped.pop(first % len(self.stopped)).go_on()
                attempts.record(self.ledger, [outcome], "late worker")

    @rule(match=NUMBER, player=NUMBER, day=DAY, has_called=st.booleans())
    @step
    def worker_dies_over_new_charges(self, match: int, player: int, day: int, *, has_called: bool) -> None:
        self.season.line_up(match, player)
        if self._may_run(pick(DAYS, day)):
            self._collect(self.ledger, self.source, pick(DAYS, day))
            self._publish(pick(DAYS, day), CHARGES, "")
            self._deliver_one_by_one(list(range(12)), DyingCalls(has_called=has_called))
