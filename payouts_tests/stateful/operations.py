"""What a person does: hold payees, release them, cancel instructions; and that nothing new moves for who is on hold."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.domain.reasons import ReasonCode
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.stripe_emulator.admin import JournalRow
from payouts_pipeline.workflow import operator_actions
from payouts_pipeline.workflow.resume import retry
from payouts_tests.stateful.expectation import Expectation
from payouts_tests.stateful.invariants import Watch
from payouts_tests.stateful.past import Past, reference
from payouts_tests.stateful.season import Season, pick
from payouts_tests.stateful.world import Parts
from payouts_tests.support.ledger_steps import fingerprint

PERSON = "cli ada"
MAY_BE_CANCELLED = {"pending", "published", "held", "waiting", "rejected"}

_UNDER_WAY = """
    select i.id::text from payouts.instructions as i join payouts.accounts as a on a.id = i.account_id
    where a.subject = %s and a.subject_id = %s and i.status in ('sending', 'unknown')
"""
# What has come to its end is last: a small number mostly means something that can still be cancelled.
_INSTRUCTIONS = """
    select id, status from payouts.instructions
    order by status in ('settled', 'cancelled'), created_at, day, sequence, id
"""
_ORDERS_LEFT = """
    select i.id from payouts.instructions as i
    where i.billing_type in ('charge_refund', 'payout_reversal')
        and i.status in ('pending', 'held', 'waiting', 'rejected')
        and not exists (select from payouts.cancellations as c where c.instruction_id = i.id)
"""
_DIFFERS = """
    select id, reason_details ->> 'reference' from payouts.instructions
    where status = 'unknown' and reason_code = 'movement_differs'
"""
_KEPT_BACK = """
    select reason_details ->> 'reference' from payouts.instructions
    where status in ('waiting', 'rejected') and reason_code = 'movement_lost'
"""


_HELD_BY_STRIPE = "select subject_id from payouts.held_payees where subject = 'player' and actor = 'stripe'"
_TAKEN_BACK = """
    select distinct a.subject, a.subject_id
    from payouts.returns as r
    join payouts.instructions as i on i.id = r.instruction_id
    join payouts.accounts as a on a.id = i.account_id
    where r.lifted_at is null
    order by 1, 2
"""
_LIFTED = """
    select i.currency, sum(r.amount_minor)::bigint
    from payouts.returns as r
    join payouts.instructions as i on i.id = r.instruction_id
    join payouts.accounts as a on a.id = i.account_id
    where r.lifted_at is null and r.amount_minor > 0 and a.subject = %s and a.subject_id = %s
    group by i.currency
"""


class Operator:
    """A person at the command line, who remembers who is on hold."""

    def __init__(self, parts: Parts, season: Season, expectation: Expectation, past: Past, watch: Watch) -> None:
        self._parts, self._past, self._watch = parts, past, watch
        self._season, self._expectation = season, expectation
        # Of each payee on hold, the instructions that may still move: their calls were under way before the hold.
        self._may_move: dict[Payee, set[str]] = {}
        self._seen: set[str] = set()

    def hold(self, whom: int) -> None:
        """Hold anybody; who is on hold already can't be held again."""
        everybody = [*self._season.payees, *(("player", player) for player in self._season.players)]
        subject, subject_id = pick(everybody, whom)
        payee = Payee(BillingSubject(subject), subject_id)
        is_held = self.tries(
            lambda: operator_actions.hold(self._parts.ledger, self._parts.source, payee, PERSON, "looks odd")
        )
        assert is_held == (payee not in self._may_move)
        if is_held:
            self._may_move[payee] = self._in_progress(payee)

    def release(self, whom: int) -> None:
        """Let somebody be charged or paid again: who is on hold, or of whom something was taken back."""
        held = [*self._may_move, *self._taken_back()]
        if held:
            payee = pick(held, whom)
            taken = Counter(
                {(payee.subject.value, payee.subject_id, currency): amount for currency, amount in self._lifts(payee)}
            )
            operator_actions.unhold(self._parts.ledger, payee, PERSON, "looked into")
            self._watch.may_move_again += taken
            self._may_move.pop(payee, None)

    def release_all(self) -> None:
        while self._may_move or self._taken_back():
            self.release(0)

    def notes_disputes(self) -> None:
        """Who disputes a charge is on hold from then on."""
        for (player,) in self._parts.ledger.execute(_HELD_BY_STRIPE):
            payee = Payee(BillingSubject.PLAYER, player)
            self._may_move.setdefault(payee, self._in_progress(payee))

    def _taken_back(self) -> list[Payee]:
        rows = self._parts.ledger.execute(_TAKEN_BACK).fetchall()
        return [Payee(BillingSubject(subject), subject_id) for subject, subject_id in rows]

    def _lifts(self, payee: Payee) -> list[tuple[str, int]]:
        """What a person lets be moved again, as Stripe has taken it."""
        return self._parts.ledger.execute(_LIFTED, (payee.subject.value, payee.subject_id)).fetchall()

    def cancel(self, which: int) -> None:
        """Cancel any instruction; one whose money may have moved, or that is cancelled, can't be."""
        rows = self._parts.ledger.execute(_INSTRUCTIONS).fetchall()
        if rows:
            number, status = pick(rows, which)
            is_cancelled = self.tries(lambda: operator_actions.cancel(self._parts.ledger, number, PERSON, "not wanted"))
            assert is_cancelled == (status in MAY_BE_CANCELLED), f"cancelling a {status} instruction: {is_cancelled}"

    @property
    def on_hold(self) -> dict[Payee, set[str]]:
        """Who is on hold, with what may move all the same; as it is now."""
        return {payee: set(may_move) for payee, may_move in self._may_move.items()}

    def put_back(self, on_hold: dict[Payee, set[str]]) -> None:
        """Remember what a ledger has, that was restored."""
        self._may_move = {payee: set(may_move) for payee, may_move in on_hold.items()}

    def judge_all(self) -> None:
        """Say of all that was lost and differs, or keeps something from being sent, that it was given back."""
        for number, found in self._parts.ledger.execute(_DIFFERS).fetchall():
            assert found in self._past.lost, f"{found} differs from its instruction, and was not lost"
            operator_actions.judge(self._parts.ledger, number, None, PERSON, "given back")
            self._past.given_back.add(found)
        kept_back = self._parts.ledger.execute(_KEPT_BACK).fetchall()
        assert {found for (found,) in kept_back} <= self._past.lost
        if kept_back:
            code = ReasonCode.MOVEMENT_LOST
            retry(self._parts.ledger, self._parts.source, code, None, PERSON, "given back")

    def cancel_orders(self) -> None:
        """Give up on what is still to be given back."""
        for (number,) in self._parts.ledger.execute(_ORDERS_LEFT).fetchall():
            operator_actions.cancel(self._parts.ledger, number, PERSON, "not wanted any more")

    def look(self, journal: Sequence[JournalRow]) -> None:
        """Fail if anything new has moved for a payee on hold."""
        for row in journal:
            may_move = self._may_move.get(self._payee_of(row))
            on_its_own = reference(row) in self._past.paid_late | self._past.lost
            if row.id not in self._seen and may_move is not None and not on_its_own:
                assert str(row.metadata["instruction_id"]) in may_move, f"moved in spite of a hold: {row}"
        self._seen = {row.id for row in journal}
        for payee, may_move in self._may_move.items():
            may_move &= self._in_progress(payee)

    def tries(self, intervene: Callable[[], Any]) -> bool:
        """Whether it was not refused; a refusal writes nothing."""
        before = fingerprint(self._parts.ledger)
        try:
            intervene()
        except PayoutsError:
            assert fingerprint(self._parts.ledger) == before, "an intervention was refused, and wrote"
            return False
        return True

    def _payee_of(self, row: JournalRow) -> Payee:
        subject, subject_id, _ = self._expectation.account_of(row)
        return Payee(BillingSubject(subject), subject_id)

    def _in_progress(self, payee: Payee) -> set[str]:
        return {row[0] for row in self._parts.ledger.execute(_UNDER_WAY, (payee.subject.value, payee.subject_id))}
