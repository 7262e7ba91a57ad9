"""Changes of a day that are beyond the usual: kept until a person accepts them, or `league` takes them back.

A proposal is of one content of the splits. Whoever accepts it accepts just that; where `league` changes once more,
there is another one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from payouts_pipeline.domain import anomaly, change_limits
from payouts_pipeline.domain.change_limits import Change, ChangeLimit, Verdict
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.database import Connection, sql
from payouts_pipeline.ledger.locks import lock_day


@dataclass(frozen=True)
class Proposal:
    """A change that waits, or is accepted and waits for the day's next materialisation."""

    id: int
    day: date
    splits_digest: str
    reason_code: str
    details: Mapping[str, Any]
    at: datetime
    is_accepted: bool

    @property
    def reason(self) -> str:
        """What would change, and why it waits."""
        return change_limits.sentence(self.reason_code, self.details)

    def as_json(self) -> dict[str, Any]:
        """The figures, with the sentence."""
        return {
            "day": self.day.isoformat(),
            "code": self.reason_code,
            "reason": self.reason,
            "is_accepted": self.is_accepted,
            **self.details,
        }


def why_not(connection: Connection, day: date, digest: str, limit: ChangeLimit) -> Verdict | None:
    """Why what is in the table `new_fees` may not be booked; None where it may, or a person has accepted it."""
    waits = find(connection, day)
    is_accepted = waits is not None and waits.is_accepted and waits.splits_digest == digest
    return None if is_accepted or limit.is_none else _judge(connection, day, limit)


def propose(connection: Connection, day: date, digest: str, verdict: Verdict, actor: str) -> None:
    """Keep what would change of a day; proposing the same again writes nothing. Under `locks.lock_day`."""
    waits = find(connection, day)
    if waits and waits.splits_digest == digest:
        return
    close(connection, day)
    noted = {"reason_code": verdict.code, "details": Jsonb(dict(verdict.details)), "actor": actor}
    connection.execute(sql("insert_proposal"), {"day": day, "digest": digest, **noted})


def _judge(connection: Connection, day: date, limit: ChangeLimit) -> Verdict | None:
    change = Change(*connection.execute(sql("measure_change"), {"day": day}).fetchall()[0])
    if not change.is_first:
        return change_limits.judge(change, limit)
    before: dict[date, dict[str, int]] = {}
    for of_day, currency, amount_minor in connection.execute(
        sql("fees_before"), {"days": anomaly.days_to_compare(day)}
    ):
        before.setdefault(of_day, {})[currency] = amount_minor
    return change_limits.judge_first(change, anomaly.usual_bands(day, before))


def close(connection: Connection, day: date) -> None:
    """End what waits of a day: it is booked, or `league` says something else."""
    connection.execute(sql("close_proposal"), {"day": day})


def find(connection: Connection, day: date) -> Proposal | None:
    """What waits of a day."""
    return next(iter(find_all(connection, day)), None)


def find_all(connection: Connection, day: date | None = None) -> Sequence[Proposal]:
    """What waits of all days, or of one."""
    with connection.cursor(row_factory=class_row(Proposal)) as cursor:
        return cursor.execute(sql("open_proposals"), {"day": day}).fetchall()


def accept(connection: Connection, day: date, actor: str, reason: str) -> Proposal:
    """Let what waits of a day be booked by its next materialisation, as it was proposed.

    Raises PayoutsError where nothing waits.
    """
    with connection.transaction():
        lock_day(connection, day)
        found = find(connection, day)
        if found is None:
            raise PayoutsError(f"Nothing of {day} waits to be accepted: 'payouts status {day}' shows how it stands.")
        if found.is_accepted:
            raise PayoutsError(f"The change of {day} is accepted already: materialise the day, and it is booked.")
        connection.execute(sql("accept_proposal"), {"id": found.id, "actor": actor, "reason": reason})
        return found
