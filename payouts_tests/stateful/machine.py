"""Everything that can happen to a league, its days, its messages, its workers and its provider, in any order.

Every argument is a number that wraps around what is there, so that an example means the same again whatever
threads and clocks did, and stays meaningful when hypothesis takes steps out of it.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import date
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.workflow.payee_accounts import look_at_banks
from payouts_pipeline.workflow.recover import recover
from payouts_tests.stateful.expectation import unpaid_above_minimum
from payouts_tests.stateful.ground import DAY, FAULT, NUMBER, PLENTY_MINOR, step
from payouts_tests.stateful.operations import PERSON
from payouts_tests.stateful.past import reference
from payouts_tests.stateful.season import CLOSING_DAY, DAYS, pick
from payouts_tests.stateful.steps_at_stripe import JUMPS_S, StepsAtStripe
from payouts_tests.stateful.steps_of_days import StepsOfDays
from payouts_tests.stateful.steps_of_delivery import StepsOfDelivery
from payouts_tests.stateful.steps_of_giving_back import StepsOfGivingBack
from payouts_tests.stateful.steps_of_restores import StepsOfRestores
from payouts_tests.stateful.steps_of_returns import StepsOfReturns
from payouts_tests.stateful.world import HOUR_S
from payouts_tests.support.ledger_steps import fingerprint

# Stripe replays a stored error for as long as it knows the key, and a debit takes days.
ROUND_S = 12 * HOUR_S
ROUNDS = 24


class Payouts(StepsOfDays, StepsOfDelivery, StepsAtStripe, StepsOfReturns, StepsOfGivingBack, StepsOfRestores):
    """The product with real parts under it, except for the bus, which does the worst that SQS may do."""

    @initialize(
        lines=st.lists(st.tuples(NUMBER, NUMBER), min_size=6, max_size=12),
        faults=st.lists(FAULT, max_size=3),
        days=st.lists(DAY, min_size=1, max_size=3),
        last_jump_s=JUMPS_S,
        has_neighbour=st.sampled_from([False, False, False, True]),
    )
    @step
    def begin(
        self, lines: list[tuple[int, int]], faults: list[int], days: list[int], last_jump_s: int, *, has_neighbour: bool
    ) -> None:
        for match, player in lines:
            self.season.line_up(match, player)
        if has_neighbour:
            self.neighbour.moves(self.ledger, 0)
        self._back_up()
        for fault in faults:
            self._fail(fault, times=1)
        for day in days:
            self._materialise(pick(DAYS, day))
        self.last_jump_s = max(last_jump_s, 2 * HOUR_S)

    # What must hold.

    @invariant()
    def nothing_is_wrong(self) -> None:
        now = self._seen()
        self.watch.look(now)
        self.operator.look([*now.journal, *now.ordered.values()])
        self.is_sound = True

    def teardown(self) -> None:
        try:
            if self.is_sound:
                self._settle_all()
        finally:
            self._count()
            self.parts.stop()

    def _count(self) -> None:
        self.world.late_payments += len(self.past.paid_late)
        self.world.lost += len(self.past.lost)
        self.world.given_back += len(self.past.given_back)

    def _settle_all(self) -> None:
        """Mend what a person would mend, and materialise until nothing moves: then everyone has what is due."""
        self.parts.await_late_answers()
        self.parts.stripe.clear_faults()
        self.parts.stripe.set_availability_delay(0)
        self.parts.stripe.set_balance(PLENTY_MINOR)
        self.season.mend()
        self._pass_time(self.last_jump_s)
        self._catch_up()
        self._until_nothing_is_held()
        left = unpaid_above_minimum(self.expectation.due(), self._moved())
        assert not left, f"more is left than the minimum explains: {left}; {self._open_instructions()}"
        self.season.close()
        self._until_quiet([*DAYS, CLOSING_DAY])
        assert self._moved() == dict(self.expectation.due())
        self._books_are_equal()
        self._all_that_was_lost_is_shown()
        self._banks_that_fail_are_known()

    def _banks_that_fail_are_known(self) -> None:
        """Of the accounts that were paid, however long Stripe is asked about them in turn."""
        while look_at_banks(self.ledger, lambda: nullcontext(self.parts.settlement())).asked:
            pass
        paid = {found for (found,) in self.ledger.execute("select stripe_account_id from payouts.paid_accounts")}
        found = self.ledger.execute("select stripe_account_id, currency from payouts.bank_failures").fetchall()
        known = {(account, currency) for account, currency in found if currency}
        expected = {bank for bank, is_failing in self.banks.items() if is_failing and bank[0] in paid}
        assert known - expected == set(), "a bank has the money"
        assert {bank for bank in expected if self.season.is_seen(bank[0])} - known == set(), "nobody knows"

    def _until_nothing_is_held(self) -> None:
        """What was taken back a person lets be moved again; that of a charge is known once the charge is."""
        has_news = True
        while has_news:
            self._follow()
            # What was given back by an order that is lost.
            self._recover()
            self.operator.cancel_orders()
            self.operator.release_all()
            self._until_quiet(DAYS)
            before = self._seen_returns()
            self._follow()
            self._recover()
            has_news = self._seen_returns() != before

    def _catch_up(self) -> None:
        """A new process, which is told so where the ledger is behind or has a neighbour."""
        self.parts.start_process()
        if self.past.must_not_send:
            with pytest.raises(PayoutsError, match=r"restored from a backup|Another ledger"):
                self.parts.standing.check()
        while self.past.at_restore is not None:
            self._recover()

    def _all_that_was_lost_is_shown(self) -> None:
        """What Stripe has moved and no instruction has adopted, `payouts recover` tells a person of."""
        now = self._seen()
        adopted = {reference(row) for row in self.watch.counted(now.journal)}
        kept = recover(self.ledger, self.source, self.parts.settlement(), PERSON)
        shown = {each.provider_reference for each in kept if each.state in ("waiting", "needs_person")}
        assert now.moved - adopted - shown - self.past.paid_late == set(), "moved, and nobody is told"

    def _moved(self) -> dict[Any, int]:
        now = self._seen()
        moved = self.expectation.moved(self.watch.counted([*now.journal, *now.returns]))
        return {account: amount for account, amount in moved.items() if amount}

    def _until_quiet(self, days: Sequence[date]) -> None:
        """Return once all days were materialised without a row, a message or a call."""
        moving: dict[str, Any] = {}
        for _ in range(ROUNDS):
            before = self._state()
            self.operator.judge_all()
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
