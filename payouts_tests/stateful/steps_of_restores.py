"""The ledger is put back to an earlier moment, and catches up; processes are started anew."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.workflow.recover import recover
from payouts_tests.stateful.ground import DAY, FAULT, NUMBER, Ground, step
from payouts_tests.stateful.operations import PERSON
from payouts_tests.stateful.past import Backup
from payouts_tests.stateful.season import DAYS, pick

# Longer than any worker holds on to what it has claimed.
RESTORING_TAKES_S = 15 * 60


class StepsOfRestores(Ground):
    """What happens to the ledger's database, while schema `league` and Stripe go on."""

    @rule()
    @step
    def back_up(self) -> None:
        self._back_up()

    @rule()
    @step
    def restore(self) -> None:
        self._restore()

    @rule()
    @step
    def recover(self) -> None:
        self._recover()

    @rule()
    @step
    def process_starts(self) -> None:
        """It knows nothing of how the ledger stands at Stripe."""
        self.parts.start_process()

    @rule(
        lines=st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=4), fee=NUMBER, day=DAY,
        faults=st.lists(FAULT, max_size=1), seconds=st.sampled_from([0, 2 * 3_600, 25 * 3_600]), recovers=st.booleans(),
    )  # fmt: skip
    @step
    def lose_a_night(
        self,
        lines: list[tuple[int, int]],
        fee: int,
        day: int,
        faults: list[int],
        seconds: int,
        *,
        recovers: bool,
    ) -> None:
        """A day is materialised, the ledger loses that, and it is materialised again, caught up or not."""
        self._back_up()
        for match, player in lines:
            self.season.line_up(match, player)
        self.season.other_fee(lines[0][0], fee)
        for fault in faults:
            self._fail(fault, times=1)
        self._materialise(pick(DAYS, day))
        self._pass_time(seconds)
        self._restore()
        if recovers:
            self._recover()
        self._materialise(pick(DAYS, day))

    def _back_up(self) -> None:
        now = self._seen()
        self.backup = Backup(
            self.parts.clock_s, {*now.attempts, *now.ordered}, self.expectation.state, self.operator.on_hold
        )
        self.parts.ledger_database.back_up()

    def _restore(self) -> None:
        """Not without a backup; whoever was at work has stopped by the time that it is done."""
        if self.backup is None:
            return
        self._pass_time(RESTORING_TAKES_S)
        self.parts.ledger_database.restore()
        self.parts.make_older(self.parts.clock_s - self.backup.clock_s)
        self.expectation.put_back(self.backup.booked)
        self.operator.put_back(self.backup.on_hold)
        self.past.restored(self.ledger, self.backup, self._seen())
        self.parts.world.restores += 1

    def _recover(self) -> None:
        """The provider may not answer; then it is to be done again."""
        before = set(self._seen().attempts)
        try:
            recover(self.ledger, self.source, self.parts.settlement(), PERSON)
        except PayoutsError as refused:
            self._stands_badly(refused)
        else:
            self.past.recovered(self.ledger, self._seen())
        assert set(self._seen().attempts) == before, "a recovery has sent something"
