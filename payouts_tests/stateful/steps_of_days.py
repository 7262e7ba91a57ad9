"""Days are played, corrected and materialised, and a person intervenes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from hypothesis import strategies as st
from hypothesis.stateful import rule

from payouts_pipeline.domain.billing import PAYOUT_TYPES
from payouts_pipeline.ledger.database import Connection
from payouts_tests.stateful.ground import CHARGES, DAY, NUMBER, NUMBERS, Ground, step
from payouts_tests.stateful.season import DAYS, pick
from payouts_tests.support.ledger_steps import fingerprint

CORRECTIONS = (
    "line_up", "line_up", "strike_off", "move_to_match", "move_to_player", "other_club", "other_status", "other_day",
    "other_fee", "other_fee", "other_shares", "other_currency", "other_organiser", "new_player", "new_match",
)  # fmt: skip


class StepsOfDays(Ground):
    """What happens by day, and in the runs of the night."""

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
        if self._may_run(pick(DAYS, day)):
            self._collect(self.ledger, self.source, pick(DAYS, day))
            self._publish(pick(DAYS, day), CHARGES, dies)

    @rule(day=DAY, dies=st.sampled_from(["", "", "before publishing", "after publishing"]))
    @step
    def pay_out(self, day: int, dies: str) -> None:
        if self._may_run(pick(DAYS, day)):
            self._pay_out(self.ledger, self.source, pick(DAYS, day))
            if self._share_out(pick(DAYS, day)):
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
        if not self._may_run(chosen):
            return
        for phase in (self._collect, self._pay_out):
            phase(self.ledger, self.source, chosen)
            before = fingerprint(self.ledger)
            phase(self.ledger, self.source, chosen)
            assert fingerprint(self.ledger) == before, f"{phase.__name__} of {chosen} wrote again"

    @rule(days=st.tuples(DAY, DAY, DAY))
    @step
    def materialise_at_once(self, days: tuple[int, ...]) -> None:
        """Several runs of the same and of other days, on connections of their own, without the lock of the run."""
        if not all(self._may_run(pick(DAYS, day)) for day in days):
            return
        for phase in (self._collect_and_expect_nothing, self._pay_out):
            with ThreadPoolExecutor(len(days)) as runs:
                list(runs.map(self._on_own_connections, [phase] * len(days), [pick(DAYS, day) for day in days]))
            for day in {pick(DAYS, day) for day in days}:
                if phase == self._collect_and_expect_nothing:
                    self.expectation.booked_anew(day)
                self._publish(day, [*CHARGES, *PAYOUT_TYPES], "")

    def _on_own_connections(self, phase: Callable[[Connection, Connection, date], None], day: date) -> None:
        with self.parts.ledger_database.connect() as ledger, self.parts.league_database.connect() as source:
            phase(ledger, source, day)

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
