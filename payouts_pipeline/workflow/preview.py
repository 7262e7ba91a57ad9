"""What materialising a day would do: the same two transactions, and both are undone.

Nothing else could be trusted to say what they do. It waits for a run of the day, as another run would, and nothing is
published or sent.
"""

from collections.abc import Mapping
from datetime import date
from uuid import uuid4
from zoneinfo import ZoneInfo

from payouts_pipeline.domain.change_limits import ChangeLimit
from payouts_pipeline.domain.limits import Limits
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import previews, proposals
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.previews import Preview
from payouts_pipeline.workflow import phases


def preview(
    connection: Connection,
    source: Connection,
    day: date,
    timezone: ZoneInfo,
    minimums_minor: Mapping[str, int],
    limits: Limits,
    change_limit: ChangeLimit,
) -> Preview:
    """What the next materialisation of the day books and asks for, with `league` as it is now."""
    splits = split(reader.fees_of_day(source, day, timezone))
    actor = f"preview {uuid4()}"
    after_event = previews.last_event(connection)
    with connection.transaction(force_rollback=True):
        phases.open_charges(connection, source, day, splits, actor, limits, timezone.key, change_limit)
        previews.next_transaction(connection)
        phases.open_payouts(connection, source, day, minimums_minor, actor, limits)
        fees, moved, held_out = previews.read(connection, day, actor, after_event)
        return Preview(day, proposals.find(connection, day), fees, moved, held_out)
