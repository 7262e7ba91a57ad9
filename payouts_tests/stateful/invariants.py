"""What must hold after every step: of the ledger by itself, and of the ledger against the emulator's journal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from payouts_pipeline.local.stripe_emulator.admin import JournalRow
from payouts_tests.stateful.expectation import Expectation
from payouts_tests.stateful.past import PAYABLE, TAKES, Past, Seen, reference
from payouts_tests.stateful.world import Parts
from payouts_tests.support.ledger_steps import violations
from payouts_tests.support.oracle import Account

# Only these may have moved money; in any other state the ledger says that it did not.
MAY_HAVE_MOVED = {"settled", "sending", "unknown"}

_INSTRUCTIONS = """
    select i.id::text, i.status, i.reason_code, i.amount_minor, a.subject, a.subject_id, i.currency,
        i.provider_reference
    from payouts.instructions as i join payouts.accounts as a on a.id = i.account_id
    where i.billing_type not in ('charge_refund', 'payout_reversal')
"""
# What a person has asked to be given back, and of what.
_ORDERS = """
    select i.id::text, i.status, i.reason_code, i.amount_minor, i.provider_reference, taken.provider_reference
    from payouts.return_orders as o
    join payouts.instructions as i on i.id = o.instruction_id
    join payouts.instructions as taken on taken.id = o.takes_back_id
"""
_KNOWN = "select id::text from payouts.instructions union all select provider_reference from payouts.movements"
_SETTLED = "select provider_reference from payouts.instructions where status = 'settled'"
_ENTERED = """
    select t.source_id, r.amount_minor > 0
    from payouts.returns as r join payouts.balance_transactions as t on t.id = r.transaction_id
"""
# A credit that was taken back after other fees had been paid with it.
_BEYOND = """
    select 'player', a.subject_id, a.currency, sum(r.beyond_minor)::bigint
    from payouts.returns as r
    join payouts.instructions as i on i.id = r.instruction_id
    join payouts.accounts as a on a.id = i.account_id
    where r.beyond_minor > 0 group by a.subject_id, a.currency
"""
_CANCELLED = "select id::text from payouts.instructions where status = 'cancelled'"
_BOOKED = """
    select subject, subject_id, currency, booked_minor from payouts.accounts
    where subject <> 'provider' and booked_minor <> 0
"""
_COLLECTED = """
    select 'player', player_id, currency, sum(amount_minor)::bigint from payouts.booked_fees
    where release_id is not null group by player_id, currency
"""
_RELEASED = """
    select s.billing_subject, s.subject_id, s.currency, sum(s.amount_minor)::bigint
    from payouts.shares as s
    join payouts.booked_fees as f using (booking_id, day, match_id, match_player_id, player_id, currency)
    where f.release_id is not null and s.billing_subject <> 'platform'
    group by s.billing_subject, s.subject_id, s.currency
"""


class Watch:
    """Looks at one example after each of its steps."""

    def __init__(self, parts: Parts, expectation: Expectation, past: Past) -> None:
        self._parts, self._expectation, self._past = parts, expectation, past
        self._released_at_most: Counter[Account] = Counter()
        # What was taken back, and a person has let be asked for or paid again.
        self.may_move_again: Counter[Account] = Counter()

    def look(self, now: Seen) -> None:
        """Fail with the broken rule and the rows that break it."""
        broken = violations(self._parts.ledger)
        assert not broken, broken
        self._past.look(self._parts.ledger, now)
        self._as_booked()
        self._each_movement_is_of_its_instruction(now.journal)
        self._each_order_gives_back_once(now)
        self._nobody_can_pay_twice(now)
        journal = self.counted(now.journal)
        self._nobody_moves_more_than_was_booked(journal)
        self._nobody_is_paid_early([*journal, *self._entered(now.returns)])

    def _entered(self, returns: Sequence[JournalRow]) -> list[JournalRow]:
        """What of these the ledger has set against its instructions."""
        entered = set(self._parts.ledger.execute(_ENTERED).fetchall())
        return [row for row in returns if (row.id, row.kind in TAKES) in entered]

    def require_all_entered(self, returns: Sequence[JournalRow]) -> None:
        """Fail where the ledger has read Stripe's journal, and missed what was taken back of a settled instruction."""
        settled = {found for (found,) in self._parts.ledger.execute(_SETTLED)}
        # What the ledger has asked for and lost waits for a recovery.
        known = {found for (found,) in self._parts.ledger.execute(_KNOWN)}
        waits = {row.id for row in returns if row.metadata.get("ledger")} - known
        waits -= {row.id for row in returns if row.metadata.get("instruction_id") in known}
        due = [row for row in returns if reference(row) in settled and row.id not in waits]
        assert [row for row in due if row not in self._entered(returns)] == []

    def counted(self, journal: Sequence[JournalRow]) -> list[JournalRow]:
        """The movements without those that were lost and are no instruction's any more: a person gives them back."""
        settled = self._parts.ledger.execute(_SETTLED).fetchall()
        adopted = {found for (found,) in settled}
        return [row for row in journal if reference(row) not in self._past.lost - adopted]

    def _as_booked(self) -> None:
        assert self._accounts(_BOOKED) == dict(self._expectation.booked)

    def _each_movement_is_of_its_instruction(self, journal: Sequence[JournalRow]) -> None:
        rows = self._parts.ledger.execute(_INSTRUCTIONS).fetchall()
        journal = [row for row in journal if reference(row) not in self._past.given_back]
        moves = Counter(str(row.metadata["instruction_id"]) for row in journal)
        assert max(moves.values(), default=0) <= 1, f"moved more than once: {moves.most_common(1)}"
        movements = {str(row.metadata["instruction_id"]): row for row in journal}
        for number, *fields in rows:
            row = movements.pop(number, None)
            assert row or fields[0] != "settled", f"{number} is settled and nothing moved"
            assert fields[1] or fields[0] == "settled", f"{number} is {fields[0]} without a reason"
            if row:
                self._is_of(row, number, *fields)
        orphans = {reference(row) for row in movements.values()} - self._past.lost
        assert orphans == set(), "something moved that no instruction is for"

    def _each_order_gives_back_once(self, now: Seen) -> None:
        """And just what it asks for; what was lost with its order need not be known."""
        came_back = {row.id for row in now.returns if row.kind == "refund_failure"}
        rows = [row for row in now.ordered.values() if row.id not in self._past.given_back]
        of_order = Counter(str(row.metadata["instruction_id"]) for row in rows)
        assert max(of_order.values(), default=0) <= 1, f"given back more than once: {of_order.most_common(1)}"
        given = {str(row.metadata["instruction_id"]): row for row in rows}
        for number, status, reason, amount_minor, settled_by, taken in self._parts.ledger.execute(_ORDERS).fetchall():
            row = given.pop(number, None)
            assert row or status != "settled", f"{number} is settled and nothing was given back"
            if row is None or (row.id in self._past.lost and status != "settled"):
                continue
            has_failed = row.id in came_back and reason == "refund_came_back"
            assert status in MAY_HAVE_MOVED or has_failed, f"{number} is {status} ({reason}) and was given back"
            assert (row.amount, reference(row)) == (amount_minor, taken)
            assert settled_by in {None, row.id}
        assert {row.id for row in given.values()} - self._past.lost == set(), "given back, and no order is for it"

    def _is_of(self, row: JournalRow, number: str, status: str, reason: str, *terms: Any) -> None:
        """A movement and its instruction are of one amount and account, unless the ledger has lost how it was made."""
        amount_minor, subject, subject_id, currency, settled_by = terms
        asked = amount_minor, (subject, subject_id, currency), number
        moved = row.amount, self._expectation.account_of(row), row.transfer_group
        if reference(row) in self._past.lost and status != "settled":
            return
        may_be_late = reference(row) in self._past.paid_late and status != "cancelled"
        assert status in MAY_HAVE_MOVED or may_be_late, f"{number} is {status} ({reason}) and its money moved"
        assert moved == asked
        assert settled_by in {None, reference(row)}

    def _nobody_can_pay_twice(self, now: Seen) -> None:
        """Of an instruction's payment intents one at most was paid or still can be; of a cancelled one's none."""
        alive = [
            intent
            for intent in now.intents
            if intent["status"] in ("succeeded", "processing", *PAYABLE) and intent["id"] not in self._past.given_back
        ]
        of_instruction = Counter(intent["metadata"]["instruction_id"] for intent in alive)
        assert max(of_instruction.values(), default=0) <= 1, f"can be paid twice: {of_instruction.most_common(1)}"
        cancelled = {number for (number,) in self._parts.ledger.execute(_CANCELLED)}
        known = {intent["metadata"]["instruction_id"] for intent in alive if intent["id"] not in self._past.lost}
        assert cancelled & known == set(), "was cancelled and can be paid"
        assert [intent for intent in now.neighbours if intent["status"] == "canceled"] == [], "not ours to cancel"

    def _nobody_moves_more_than_was_booked(self, journal: Sequence[JournalRow]) -> None:
        """What was taken back is moved again only after a person has said so."""
        too_much = above(self._expectation.moved(journal), self._expectation.peaks + self.may_move_again)
        assert too_much == {}, f"moved, and at most that: {too_much}"

    def _nobody_is_paid_early(self, journal: Sequence[JournalRow]) -> None:
        """Collected is at most what players were charged; paid at most what was ever collected for a payee."""
        moved = self._expectation.moved(journal)
        collected, owed_again = self._accounts(_COLLECTED), self._accounts(_BEYOND)
        paid = moved + Counter(owed_again) + self._expectation.written_off
        assert above(collected, paid) == {}, "fees count as collected that were not paid"
        self.note_released()
        payees = {account: amount for account, amount in moved.items() if account[0] != "player"}
        assert above(payees, self._released_at_most) == {}, "more was paid than was collected"

    def note_released(self) -> None:
        """To be called after whatever may release shares: a later correction can take them back."""
        self._released_at_most |= Counter(self._accounts(_RELEASED)) + self._expectation.adjusted

    def open_now(self, now: Seen) -> Counter[Account]:
        """What players owe, and what payees are owed of what was collected, by what has moved; negative: a debt."""
        open_now = Counter(self._accounts(_RELEASED))
        open_now.update(self._expectation.adjusted)
        open_now.update({each: n for each, n in self._expectation.booked.items() if each[0] == "player"})
        open_now.subtract(self._expectation.written_off)
        open_now.subtract(self._expectation.moved([*self.counted(now.journal), *self._entered(now.returns)]))
        return open_now

    def _accounts(self, query: str) -> dict[Account, int]:
        rows: list[tuple[Any, ...]] = self._parts.ledger.execute(query).fetchall()
        return {(row[0], row[1], row[2]): row[3] for row in rows}


def above(amounts: Mapping[Account, int], limits: Mapping[Account, int]) -> dict[Account, tuple[int, int]]:
    """Where an amount is above its limit, and both."""
    return {
        account: (amount, limits.get(account, 0))
        for account, amount in amounts.items()
        if amount > limits.get(account, 0)
    }
