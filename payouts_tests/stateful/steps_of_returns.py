"""Stripe and the banks take back what was moved, and bring it again; the ledger reads it, and a person judges."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import stripe
from hypothesis import strategies as st
from hypothesis.stateful import rule

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import identity
from payouts_pipeline.local.stripe_emulator.admin import JournalRow
from payouts_pipeline.workflow.sync import NotPinnedError, sync
from payouts_tests.stateful.ground import NUMBER, Ground, step
from payouts_tests.stateful.season import pick
from payouts_tests.stateful.world import TIMEOUT_S

# All that is left, or so many hundredths of it, in steps of ten.
PARTS = (None, None, 1, 30, 50, 99)
_RETURNS = "select transaction_id, lifted_at is not null from payouts.returns order by 1"


class StepsOfReturns(Ground):
    """What happens to money that has moved."""

    @rule(which=NUMBER, part=st.sampled_from(PARTS))
    @step
    def refund(self, which: int, part: int | None) -> None:
        """By somebody in Stripe's dashboard."""
        self._take_back("charge", which, part, self._refund)

    @rule(which=NUMBER, part=st.sampled_from(PARTS))
    @step
    def dispute(self, which: int, part: int | None) -> None:
        self._take_back("charge", which, part, self._dispute)

    @rule(which=NUMBER, part=st.sampled_from(PARTS))
    @step
    def reverse(self, which: int, part: int | None) -> None:
        """A transfer, as far as the account still has it."""
        self._take_back("transfer", which, part, self._reverse)

    @rule(which=NUMBER, is_won=st.booleans())
    @step
    def dispute_ends(self, which: int, *, is_won: bool) -> None:
        disputes = [row for row in self._seen().returns if row.kind == "dispute"]
        if disputes:
            with suppress(PayoutsError):
                self.parts.stripe.end_dispute(pick(disputes, which).id, is_won=is_won)

    @rule(which=NUMBER)
    @step
    def refund_fails(self, which: int) -> None:
        """The player's bank sends it back."""
        refunds = [row for row in self._seen().returns if row.kind == "refund"]
        if refunds:
            with suppress(PayoutsError):
                self.parts.stripe.end_refund(pick(refunds, which).id, "lost_or_stolen_card")

    @rule()
    @step
    def follow(self) -> None:
        self._follow()

    @rule(which=NUMBER, part=st.sampled_from(PARTS), is_dispute=st.booleans(), lifts=st.booleans())
    @step
    def take_back_and_materialise(self, which: int, part: int | None, *, is_dispute: bool, lifts: bool) -> None:
        """What a night makes of it, with and without a person who lets it be moved again."""
        self._take_back("charge", which, part, self._dispute if is_dispute else self._refund)
        self._follow()
        if lifts:
            self.operator.release_all()
        for day in self.expectation.days:
            self._materialise(day)

    def _follow(self) -> None:
        """Read Stripe's journal, as the sensor does; Stripe may not answer."""
        try:
            sync(self.ledger, self.parts.provider, "sensor")
        except NotPinnedError:
            return
        except PayoutsError as refused:
            self._stands_badly(refused)
        else:
            self.watch.require_all_entered(self._seen().returns)
        self.operator.notes_disputes()

    def _books_are_equal(self) -> None:
        """Our account in the ledger is Stripe's balance."""
        if identity.read(self.ledger).account is None:
            return
        found = sync(self.ledger, self.parts.provider, "sensor")
        assert found is not None
        assert [look for look in found.looks if look.difference_minor] == []

    def _seen_returns(self) -> list[tuple[Any, ...]]:
        return self.ledger.execute(_RETURNS).fetchall()

    def _take_back(
        self, kind: str, which: int, part: int | None, take: Callable[[JournalRow, int | None], object]
    ) -> None:
        """The provider may fail, or refuse; the SDK stumbles over answers that are not Stripe's."""
        rows = [row for row in self._seen().journal if row.kind == kind]
        if rows:
            row = pick(rows, which)
            amount = None if part is None else max(10, row.amount * part // 1_000 * 10)
            with suppress(stripe.StripeError, PayoutsError, AttributeError, TypeError, LookupError):
                take(row, amount)

    def _refund(self, row: JournalRow, amount: int | None) -> None:
        given: Any = {"payment_intent": row.payment_intent} | ({"amount": amount} if amount else {})
        self._api().v1.refunds.create(given)

    def _dispute(self, row: JournalRow, amount: int | None) -> None:
        self.parts.stripe.open_dispute(row.id, amount)

    def _reverse(self, row: JournalRow, amount: int | None) -> None:
        given: Any = {"amount": amount} if amount else {}
        self._api().v1.transfers.reversals.create(row.id, given)

    def _api(self) -> stripe.StripeClient:
        return self.world.stripe.sdk(timeout_s=TIMEOUT_S)
