"""Refunds and reversals that a restored ledger has lost the orders of (rule of money 14): the orders are made again.

What was given back says in whose name, and of what (match, player, instruction): just those fees are taken back. The id
of an instruction is made of its ledger, day, payee and number: only an order of this ledger can have it. What can't be
made again is kept for a person, and comes off the whole charge.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import psycopg

from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.domain.instructions import instruction_id
from payouts_pipeline.domain.returns import divide
from payouts_pipeline.ledger import identity, movements, return_orders, returns
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.movements import FoundMovement
from payouts_pipeline.ledger.return_orders import Asked, LostOrder, TakenBack
from payouts_pipeline.settlement import stripe_returns
from payouts_pipeline.settlement.assemble import Settlement
from payouts_pipeline.workflow.give_back import Target

# More than anybody has had made of one payee and day.
_SEQUENCES = 1_000


@dataclass(frozen=True)
class _Known:
    """A lost order, what it takes back, and which order of its payee's day it was; None where it can be none."""

    lost: LostOrder
    taken: TakenBack
    sequence: int | None

    @property
    def place(self) -> tuple[datetime, int]:
        """Each left less of the fees for those after it; Stripe tells times by the second."""
        return self.lost.created_at, self.sequence or 0


def find_again(connection: Connection, settlement: Settlement, actor: str) -> list[LostOrder]:
    """Make the lost orders again, and book what they have given back; those whose charge or payout is not here yet.

    They are settled by what has moved, and nothing is sent for them.
    """
    lost = return_orders.lost(connection)
    known = [_known(connection, order, order.taken_back_id) for order in lost if order.taken_back_id]
    for each in sorted(known, key=lambda each: each.place):
        _find_again(connection, settlement, each, actor)
    if known:
        # A hold does not undo what has moved.
        found = [{"id": str(each.lost.instruction_id)} for each in known]
        settlement.worker.settle(movements.wake(connection, found, actor))
        returns.enter(connection, actor)
    return [order for order in lost if not order.taken_back_id]


def _known(connection: Connection, lost: LostOrder, taken_back_id: UUID) -> _Known:
    taken = return_orders.find(connection, taken_back_id)
    ledger_id = identity.read(connection).id
    for sequence in range(1, _SEQUENCES):
        name = instruction_id(ledger_id, taken.day, _type(taken), taken.subject_id, taken.currency, sequence)
        if name == lost.instruction_id:
            return _Known(lost, taken, sequence)
    return _Known(lost, taken, None)


def _find_again(connection: Connection, settlement: Settlement, known: _Known, actor: str) -> None:
    lost, target = known.lost, _target(settlement, known.lost, known.taken)
    try:
        with connection.transaction():
            taken = return_orders.lock(connection, known.taken.id)
            if target and known.sequence and lost.amount_minor <= taken.left_minor:
                _make(connection, replace(taken, next_sequence=known.sequence), lost, target, actor)
                movements.keep(connection, [_movement(lost, taken)], actor)
                return
    except psycopg.errors.UniqueViolation:
        # Something else has its number since.
        pass
    movements.keep(connection, [replace(_movement(lost, known.taken), payee=None)], actor)


def _target(settlement: Settlement, lost: LostOrder, taken: TakenBack) -> Target | None:
    """What was asked to be given back; all of a payout or a charge is all of its fees, whatever was said."""
    if not taken.is_charge or lost.amount_minor == taken.amount_minor:
        return Target(taken.id)
    named = settlement.stripe().look(lambda services: stripe_returns.target_of(services, lost.reference))
    return Target.named(named, taken.id) if isinstance(named, str) else None


def _type(taken: TakenBack) -> BillingType:
    return BillingType.CHARGE_REFUND if taken.is_charge else BillingType.PAYOUT_REVERSAL


def _make(connection: Connection, taken: TakenBack, lost: LostOrder, target: Target, actor: str) -> None:
    fees = (
        [fee for fee in return_orders.fees_left(connection, taken) if target.is_of(fee.key)] if taken.is_charge else []
    )
    portions, _ = divide(lost.amount_minor, fees)
    asked = Asked(target.name, lost.amount_minor, actor, "given back before the ledger was restored")
    return_orders.make(connection, taken, lost.amount_minor, portions, asked, {})


def _movement(lost: LostOrder, taken: TakenBack) -> FoundMovement:
    return FoundMovement(
        reference=lost.reference,
        kind="refund" if taken.is_charge else "transfer_reversal",
        instruction_id=lost.instruction_id,
        attempt=lost.attempt,
        day=str(taken.day),
        billing_type=_type(taken),
        amount_minor=lost.amount_minor,
        currency=lost.currency,
        payee=taken.stripe_customer_id or taken.stripe_account_id,
        status="succeeded",
        created_at=lost.created_at,
    )
