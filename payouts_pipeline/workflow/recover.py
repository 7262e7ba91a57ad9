"""Brings a ledger that is older than Stripe up to date (rule of money 14): after a restore, or in a new database."""

from payouts_pipeline.ledger import movements
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.movements import Kept
from payouts_pipeline.settlement.assemble import Settlement

_AT_ONCE = 100


def recover(connection: Connection, settlement: Settlement, actor: str) -> list[Kept]:
    """Keep all that Stripe has and the ledger did not know, and settle what it is of; what became of all that was kept.

    Sends nothing. An instruction that is made later, of a day whose booking is lost, is settled when a worker takes it.
    """
    movements.keep(connection, settlement.standing.unknown(), actor)
    ids = movements.wake(connection, actor)
    for first in range(0, len(ids), _AT_ONCE):
        settlement.worker.settle(ids[first : first + _AT_ONCE])
    return movements.states(connection)
