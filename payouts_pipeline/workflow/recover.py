"""Brings a ledger that is older than Stripe up to date (rule of money 14): after a restore, or in a new database."""

import json

from payouts_pipeline.league import reader
from payouts_pipeline.ledger import instructions, movements
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.movements import Kept
from payouts_pipeline.ledger.return_orders import LostOrder
from payouts_pipeline.settlement.assemble import Settlement
from payouts_pipeline.workflow import lost_returns

_AT_ONCE = 100


def recover(connection: Connection, source: Connection, settlement: Settlement, actor: str) -> list[Kept]:
    """Both of what follows, with Stripe's journal as a sync has read it; what became of all that was found."""
    catch_up(connection, source, settlement, actor)
    return find_returns(connection, settlement, actor)


def catch_up(connection: Connection, source: Connection, settlement: Settlement, actor: str) -> None:
    """Keep all that Stripe has moved and the ledger did not know, and settle what it is of. Sends nothing.

    An instruction that is made later, of a day whose booking is lost, is settled when a worker takes it.
    """
    movements.keep(connection, settlement.standing.unknown(), actor)
    today = reader.with_stripe_ids(source, instructions.blocked_but_moved(connection))
    ids = movements.wake(connection, json.loads(today.to_json(orient="records")), actor)
    for first in range(0, len(ids), _AT_ONCE):
        settlement.worker.settle(ids[first : first + _AT_ONCE])


def find_returns(connection: Connection, settlement: Settlement, actor: str) -> list[Kept]:
    """Make again what had given something back and was lost; what became of all that was ever found. Sends nothing."""
    waiting = lost_returns.find_again(connection, settlement, actor)
    return [*movements.states(connection), *(_as_waiting(order) for order in waiting)]


def _as_waiting(order: LostOrder) -> Kept:
    """What it gives back is not here yet, and settled once its own day is materialised again."""
    return Kept(
        provider_reference=order.reference,
        kind="refund" if order.reference.startswith(("re_", "pyr_")) else "transfer_reversal",
        instruction_id=order.instruction_id,
        day=None,
        billing_type=None,
        amount_minor=order.amount_minor,
        currency=order.currency,
        status="succeeded",
        state="waiting",
    )
