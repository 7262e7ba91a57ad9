"""Checkpoints of what an auditor has seen of the entries: a day's audit costs the same however old the ledger is.

Ids of entries are given before their transactions end, so that a later one can be seen while an earlier one is not yet
there. A checkpoint ends at an id before which nobody can add one any more.
"""

import time

from payouts_pipeline.ledger.database import Connection, scalar, sql
from payouts_pipeline.ledger.locks import CHECKPOINT_LOCK

# Fewer are read again in less time than their sums would be written in.
ENTRIES_WORTH_IT = 1_000
_WAIT_S = 1.0
_LOOK_EVERY_S = 0.02


def next_end(connection: Connection) -> int | None:
    """The entry up to which a checkpoint may go, by what can be read after this call.

    None where it would not be worth it, or where somebody who may have earlier entries does not end for a second: the
    next run comes soon enough.
    """
    newest = connection.execute(sql("entries_since_checkpoint")).fetchone()
    if newest is None or newest[1] < ENTRIES_WORTH_IT:
        return None
    writers = _writers(connection)
    ends_at_s = time.monotonic() + _WAIT_S
    while writers and time.monotonic() < ends_at_s:
        time.sleep(_LOOK_EVERY_S)
        writers &= _writers(connection)
    return None if writers else int(newest[0])


def _writers(connection: Connection) -> set[str]:
    return set(scalar(connection, sql("entry_writers"), {}))


def write(connection: Connection, entry_id: int) -> None:
    """Sum up the entries to this one; for who has just found nothing wrong with those since the last checkpoint."""
    parameters = {"entry_id": entry_id}
    with connection.transaction():
        if scalar(connection, sql("try_checkpoint_lock"), {"lock": CHECKPOINT_LOCK}):
            connection.execute(sql("write_account_checkpoints"), parameters)
            connection.execute(sql("write_checkpoint"), parameters)
