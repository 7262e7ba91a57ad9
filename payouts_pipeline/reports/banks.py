"""Whose money does not reach the bank, by what Stripe said when it was last asked; it is not asked here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.rows import class_row

from payouts_pipeline.domain import banks
from payouts_pipeline.domain.billing import Payee
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.queries import sql


@dataclass(frozen=True, kw_only=True)
class PayeeBank(banks.BankFailure):
    """A payee whose money stands at Stripe; ``seen_at``: when Stripe was last asked."""

    payee: str
    seen_at: datetime
    reason_details: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        """What does not reach the bank, since when, and why."""
        why = banks.sentence(self.reason_code, self.reason_details)
        if self.reason_code == banks.PAYOUTS_DISABLED:
            return f"{why}, seen first on {self._since}"
        amount = format_minor(int(self.reason_details["amount_minor"]), self.currency)
        return f"the payout of {amount} from Stripe to its bank, of {self._since}, came back: {why}"

    @property
    def payout(self) -> str | None:
        """The payout that came back, by its id at Stripe."""
        return self.reason_details.get("payout")

    @property
    def _since(self) -> str:
        return f"{self.since.astimezone(UTC):%Y-%m-%d}"

    def as_json(self) -> dict[str, Any]:
        """As `payouts status --json` and `payouts explain --json` have it; times in UTC, without a currency: in all."""
        return {
            "payee": self.payee,
            "currency": self.currency or None,
            "reason_code": self.reason_code,
            "reason": self.sentence,
            "amount_minor": self.reason_details.get("amount_minor"),
            "payout": self.payout,
            "since": self.since.astimezone(UTC).isoformat(timespec="seconds"),
            "seen_at": self.seen_at.astimezone(UTC).isoformat(timespec="seconds"),
            "what_to_do": self.what_to_do,
        }


def failing(connection: Connection, payee: Payee | None = None) -> list[PayeeBank]:
    """Of all payees, or of one; the longest first."""
    which = payee.parameters if payee else {"subject": None, "subject_id": None}
    with connection.cursor(row_factory=class_row(PayeeBank)) as cursor:
        return cursor.execute(sql("bank_failures"), which).fetchall()
