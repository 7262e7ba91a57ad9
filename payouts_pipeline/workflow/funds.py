"""Pays out no more than what our balance at Stripe covers, in turn (`domain.funds`); the rest waits, and is not sent.

Stripe is asked once for a run. Where a fleet settles, the run has no key: it goes by Stripe's journal as the ledger
has it, if that was read lately. Where it was not, Stripe refuses what is not covered, as `balance_insufficient`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from payouts_pipeline.domain.funds import JOURNAL_HOLDS_FOR, covered_from, decide, replan
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.failpoints import Failpoint, failpoint
from payouts_pipeline.ledger import funds
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.locks import lock_payees

if TYPE_CHECKING:
    from payouts_pipeline.settlement.assemble import Settlement


@dataclass(frozen=True)
class _Balance:
    """Our balance when it was asked for; ``paid_out_minor`` is what had been paid out before, by the ledger."""

    available_minor: Mapping[str, int]
    currencies: frozenset[str]
    paid_out_minor: Mapping[str, int]

    def available_now(self, paid_out_minor: Mapping[str, int]) -> dict[str, int]:
        """Less what was paid out since: of that the answer may know, or may not."""
        since = {each: paid - self.paid_out_minor.get(each, 0) for each, paid in paid_out_minor.items()}
        return {each: amount - max(since.get(each, 0), 0) for each, amount in self.available_minor.items()}


class Funds:
    """What one run knows of our balance."""

    def __init__(self, connection: Connection, settlement: "Callable[[], Settlement] | None", actor: str) -> None:
        self._connection = connection
        self._settlement = settlement
        self._actor = actor
        self._asked: _Balance | None = None
        self.calls = 0

    def share_out(self, day: date) -> int:
        """Have what of the day's payouts our balance does not cover wait; how many that waited go on.

        Raises PayoutsError, with nothing sent, where Stripe does not say what our balance is.
        """
        if not funds.are_wanted(self._connection, day):
            return 0
        if self._settlement:
            self._asked = self._asked or self._ask(self._settlement())
        elif not funds.are_known(self._connection, JOURNAL_HOLDS_FOR):
            return 0
        with failpoint(Failpoint.FUND_PAYOUTS), self._connection.transaction():
            # One run at a time, and nothing is settled meanwhile: each payout is counted as in progress or as paid.
            lock_payees(self._connection)
            return self._decide(day)

    def _decide(self, day: date) -> int:
        connection, now = self._connection, funds.now(self._connection)
        payouts, (available_minor, arriving) = funds.queue(connection, day), funds.by_journal(connection)
        if self._asked:
            available_minor = self._asked.available_now(funds.paid_out(connection))
        covered = covered_from(payouts, funds.left(connection, available_minor, day), arriving, now)
        moves = decide(payouts, covered, day, now, self._asked.currencies if self._asked else None)
        funds.move(connection, moves, self._actor)
        return sum(each.status == Status.PENDING for each in moves)

    def _ask(self, settlement: "Settlement") -> _Balance:
        # Its SDK takes long to import.
        from payouts_pipeline.settlement import own_account
        from payouts_pipeline.settlement.stripe_answers import Indeterminate
        from payouts_pipeline.settlement.stripe_client import StripeAwayError

        # Before the call: what is paid out while it is under way may be in the answer already.
        paid_out_minor, stripe = funds.paid_out(self._connection), settlement.stripe()
        self.calls += 1
        found = own_account.balances(stripe)
        if isinstance(found, Indeterminate):
            raise StripeAwayError(f"Stripe can't be asked for our balance ({found}): no payout was sent, so run again.")
        if not isinstance(found, list):
            lacks = found.permission or found.code
            raise PayoutsError(
                f"Stripe does not tell our balance to this key ({lacks}): give it the permission to "
                "read the balance, and run again; no payout was sent."
            )
        available_minor = {each.currency: each.available_minor for each in found}
        return _Balance(available_minor, frozenset(available_minor), paid_out_minor)


def plan(connection: Connection, available_minor: Mapping[str, int], actor: str) -> int:
    """Have what waits for our balance be looked at when that covers it, as far as it is known by now; how many."""
    if not any(each.waits_for_funds for each in funds.queue(connection, None)):
        return 0
    with failpoint(Failpoint.PLAN_PAYOUTS), connection.transaction():
        lock_payees(connection)
        now, payouts = funds.now(connection), funds.queue(connection, None)
        left = funds.left(connection, available_minor, None)
        covered = covered_from(payouts, left, funds.arrivals(connection), now)
        return funds.move(connection, replan(payouts, covered, now), actor)
