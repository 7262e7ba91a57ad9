"""Brings a ledger that is older than Stripe up to date (rule of money 14): after a restore, or in a new database."""

import json

from payouts_pipeline.league import reader
from payouts_pipeline.ledger import instructions, movements
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.movements import Kept
from payouts_pipeline.settlement.assemble import Settlement

_AT_ONCE = 100


def recover(connection: Connection, source: Connection, settlement: Settlement, actor: str) -> list[Kept]:
    """Keep all that Stripe has and the ledger did not know, and settle what it is of; what became of all that was kept.

    Sends nothing. An instruction that is made later, of a day whose booking is lost, is settled when a worker takes it.
    """
    movements.keep(connection, settlement.standing.unknown(), actor)
    today = reader.with_stripe_ids(source, instructions.blocked_but_moved(connection))
    ids = movements.wake(connection, json.loads(today.to_json(orient="records")), actor)
    for first in range(0, len(ids), _AT_ONCE):
        settlement.worker.settle(ids[first : first + _AT_ONCE])
    return movements.states(connection)
