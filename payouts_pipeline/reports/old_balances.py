"""Credits of players and debts of payees: what later fees and payouts would work off, and since when none has come.

Nothing of it is refunded or taken back automatically (rule of money 6), so somebody must see that it grows old.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from psycopg.rows import class_row

from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.domain.findings import NAMED, Finding
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.queries import sql

# A player or a payee of a running season has something booked every few weeks.
OLD_AFTER_D = 30


@dataclass(frozen=True)
class OldBalance:
    """A credit or a debt in minor units; ``day``: the last that booked anything on the account, ``age_days`` ago."""

    payee: str
    currency: str
    amount_minor: int
    day: date
    age_days: int

    @property
    def is_credit(self) -> bool:
        """Whether a player has it with us; else a payee owes it."""
        return self.payee.startswith("player:")

    @property
    def named(self) -> dict[str, Any]:
        """As JSON can say it."""
        return {
            "payee": self.payee,
            "currency": self.currency,
            "amount_minor": self.amount_minor,
            "last_booked": self.day.isoformat(),
            "age_days": self.age_days,
        }


def standing(connection: Connection) -> list[OldBalance]:
    """All of them, the oldest first."""
    with connection.cursor(row_factory=class_row(OldBalance)) as cursor:
        return cursor.execute(sql("old_balances")).fetchall()


def sentences(found: Sequence[OldBalance]) -> list[str]:
    """What a person reads of them: a line for the credits and one for the debts of each currency."""
    ordered = sorted(found, key=lambda each: (not each.is_credit, each.currency, -each.age_days))
    return [
        _sentence(list(group), is_credit=is_credit)
        for (is_credit, _), group in groupby(ordered, key=lambda each: (each.is_credit, each.currency))
    ]


def _sentence(found: Sequence[OldBalance], *, is_credit: bool) -> str:
    oldest = found[0]
    amount = format_minor(sum(each.amount_minor for each in found), oldest.currency)
    whose = f"{amount} of credit on {len(found)} players" if is_credit else f"{amount} owed back by {len(found)} payees"
    what_to_do = (
        "their next fees use it up, or 'payouts refund' gives a charge back"
        if is_credit
        else "their next shares work it off, or 'payouts write-off' and 'payouts transfer-balance' do"
    )
    since = f"the oldest, {oldest.payee}, with nothing booked for {oldest.age_days} days"
    return f"{whose} ({since}): {what_to_do}"


def none_old(found: Sequence[OldBalance]) -> Finding:
    """Whether nothing is left standing for so long that later fees and shares will hardly work it off."""
    old = [each for each in found if each.age_days > OLD_AFTER_D]
    description = (
        f"{'; '.join(sentences(old))}."
        if old
        else f"No credit and no debt is left on an account on which nothing was booked for {OLD_AFTER_D} days."
    )
    figures = {"standing": len(found), "old": len(old), "accounts": [each.named for each in old[:NAMED]]}
    return Finding(not old, description, figures)
