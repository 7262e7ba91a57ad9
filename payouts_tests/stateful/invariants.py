"""What must hold after every step: of the ledger by itself, and of the ledger against the emulator's journal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.local.stripe_emulator.admin import JournalRow
from payouts_tests.stateful.expectation import Expectation
from payouts_tests.support.ledger_steps import violations
from payouts_tests.support.oracle import Account

# Only these may have moved money; in any other state the ledger says that it did not.
MAY_HAVE_MOVED = {"settled", "sending", "unknown"}

_INSTRUCTIONS = """
    select i.id::text, i.status, i.reason_code, i.amount_minor, a.subject, a.subject_id, i.currency,
        i.provider_reference
    from payouts.instructions as i join payouts.accounts as a on a.id = i.account_id
"""
_BOOKED = """
    select subject, subject_id, currency, booked_minor from payouts.accounts
    where subject <> 'provider' and booked_minor <> 0
"""
_COLLECTED = """
    select 'player', player_id, currency, sum(amount_minor)::bigint from payouts.fees
    where release_id is not null group by player_id, currency
"""
_RELEASED = """
    select s.billing_subject, s.subject_id, s.currency, sum(s.amount_minor)::bigint
    from payouts.shares as s
    join payouts.fees as f using (booking_id, day, match_id, match_player_id, player_id, currency)
    where f.release_id is not null and s.billing_subject <> 'platform'
    group by s.billing_subject, s.subject_id, s.currency
"""


class Watch:
    """Looks at one example after each of its steps."""

    def __init__(self, ledger: Connection, expectation: Expectation) -> None:
        self._ledger, self._expectation = ledger, expectation
        self._released_at_most: Counter[Account] = Counter()

    def look(self, journal: Sequence[JournalRow]) -> None:
        """Fail with the broken rule and the rows that break it."""
        assert violations(self._ledger) == {}
        self._as_booked()
        self._each_movement_is_of_its_instruction(journal)
        self._nobody_moves_more_than_was_booked(journal)
        self._nobody_is_paid_early(journal)

    def _as_booked(self) -> None:
        assert self._accounts(_BOOKED) == dict(self._expectation.booked)

    def _each_movement_is_of_its_instruction(self, journal: Sequence[JournalRow]) -> None:
        rows = self._ledger.execute(_INSTRUCTIONS).fetchall()
        moves = Counter(str(row.metadata["instruction_id"]) for row in journal)
        assert max(moves.values(), default=0) <= 1, f"moved more than once: {moves.most_common(1)}"
        movements = {str(row.metadata["instruction_id"]): row for row in journal}
        for number, status, reason, amount_minor, *account, reference in rows:
            row = movements.pop(number, None)
            assert reason or status == "settled", f"{number} is {status} without a reason"
            assert row or status != "settled", f"{number} is settled and nothing moved"
            if row:
                assert status in MAY_HAVE_MOVED, f"{number} is {status} ({reason}) and its money moved"
                assert row.amount == amount_minor
                assert self._expectation.account_of(row) == tuple(account)
                assert row.transfer_group == number
                assert reference in {None, row.payment_intent, row.id}
        assert movements == {}, "something moved that no instruction is for"

    def _nobody_moves_more_than_was_booked(self, journal: Sequence[JournalRow]) -> None:
        assert above(self._expectation.moved(journal), self._expectation.peaks) == {}

    def _nobody_is_paid_early(self, journal: Sequence[JournalRow]) -> None:
        """Collected is at most what players were charged; paid at most what was ever collected for a payee."""
        moved = self._expectation.moved(journal)
        collected = self._accounts(_COLLECTED)
        assert above(collected, moved) == {}, "fees count as collected that were not paid"
        self.note_released()
        payees = {account: amount for account, amount in moved.items() if account[0] != "player"}
        assert above(payees, self._released_at_most) == {}, "more was paid than was collected"

    def note_released(self) -> None:
        """To be called after whatever may release shares: a later correction can take them back."""
        self._released_at_most |= Counter(self._accounts(_RELEASED))

    def _accounts(self, query: str) -> dict[Account, int]:
        rows: list[tuple[Any, ...]] = self._ledger.execute(query).fetchall()
        return {(row[0], row[1], row[2]): row[3] for row in rows}


def above(amounts: Mapping[Account, int], limits: Mapping[Account, int]) -> dict[Account, tuple[int, int]]:
    """Where an amount is above its limit, and both."""
    return {
        account: (amount, limits.get(account, 0))
        for account, amount in amounts.items()
        if amount > limits.get(account, 0)
    }
