"""Which days would be booked differently now: late results, corrected line-ups, new terms.

In two steps, so that looking every few minutes is cheap. One query in the source and one in the ledger give each day
a text of its state; only days whose text is new are read, split and compared with what is booked.
"""

from collections import Counter
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.corrections import difference
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league.reader import fees_of_day, fingerprints
from payouts_pipeline.ledger.bulk import copy_out
from payouts_pipeline.ledger.database import Connection, sql

_HELD_OUT = {"match_player_id": frames.ID, "match_id": frames.ID, "reason_code": frames.TEXT}


def day_states(
    ledger: Connection, source: Connection, first_day: date, last_day: date, timezone: ZoneInfo
) -> dict[date, str]:
    """The days of the period that were booked, each with a text that changes when its source or its booking does."""
    period = {"first_day": first_day, "last_day": last_day}
    booked: dict[date, str] = dict(ledger.execute(sql("booked_states"), period).fetchall())
    found = fingerprints(source, list(booked), timezone)
    return {day: f"{state} {found.get(day, 'no fees')}" for day, state in booked.items()}


def differs(ledger: Connection, source: Connection, day: date, timezone: ZoneInfo) -> bool:
    """Whether materialising the day now would book something, or hold out another fee or for another reason.

    Exact, where a new text only says that something has moved: the day may have been booked since it did.
    """
    splits = split(fees_of_day(source, day, timezone))
    good = splits.loc[splits["held_out_code"].isna(), list(frames.LINES)]
    booked = copy_out(ledger, sql("booked_lines"), {"day": day}, frames.LINES)
    if len(difference(good, booked)):
        return True
    held_out = splits[splits["held_out_code"].notna()].rename(columns={"held_out_code": "reason_code"})
    return _rows(held_out) != _rows(copy_out(ledger, sql("held_out_of_day"), {"day": day}, _HELD_OUT))


def _rows(held_out: pd.DataFrame) -> Counter[tuple[Any, ...]]:
    """The rows in no order; a missing id counts as one of its own."""
    plain = held_out[list(_HELD_OUT)].astype(object)
    return Counter(plain.where(plain.notna(), None).itertuples(index=False, name=None))
