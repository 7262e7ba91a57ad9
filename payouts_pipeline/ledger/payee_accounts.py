"""Which Stripe accounts payees have, since when, and which of them may not be paid to now.

Whoever can write to `league` could lead a payout to an account of their own. So an account that has changed rests
before the first payout to it, and one that another payee was paid to waits for a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from psycopg.rows import class_row

from payouts_pipeline.domain import frames, reasons
from payouts_pipeline.domain.billing import BILLING_TYPE_OF, PAYOUT_TYPES, SUBJECT_OF, BillingSubject, Payee
from payouts_pipeline.ledger.bulk import copy_out
from payouts_pipeline.ledger.database import Connection, scalar, sql

_PAYEES = [SUBJECT_OF[billing_type] for billing_type in PAYOUT_TYPES]
_KEY = ["billing_subject", "subject_id", "stripe_account_id"]
_HELD = frames.columns(ids="subject_id", texts="billing_subject stripe_account_id account_code account_details")


@dataclass(frozen=True)
class ToConfirm:
    """An account of a payee that nothing is paid to before its time, or before a person has confirmed it."""

    subject: str
    subject_id: int
    stripe_account_id: str
    reason_code: str
    reason_details: Mapping[str, Any]
    seen_at: datetime
    instructions: int

    @property
    def payee(self) -> Payee:
        """Whose it is."""
        return Payee(BillingSubject(self.subject), self.subject_id)

    @property
    def reason(self) -> str:
        """Why nothing is paid to it."""
        billing_type = BILLING_TYPE_OF[self.payee.subject]
        return reasons.sentence(self.reason_code, self.reason_details, billing_type, "")

    @property
    def ending(self) -> str:
        """What a person compares with what the payee says; the id itself is not shown."""
        return self.stripe_account_id[-4:]


def unseen(connection: Connection, payouts: pd.DataFrame) -> bool:
    """Whether any payee of these has another Stripe account than the one that it is known to have."""
    wanted = _accounts(payouts)
    return bool(wanted["ids"]) and connection.execute(sql("unseen_accounts"), wanted).fetchone() is not None


def see(connection: Connection, payouts: pd.DataFrame, rest: timedelta) -> None:
    """Note the Stripe accounts that `league` has now, under `locks.lock_payees`: one that has changed rests so long."""
    wanted = _accounts(payouts)
    if wanted["ids"]:
        connection.execute(sql("see_accounts"), {**wanted, "rest": rest})


def held(connection: Connection) -> pd.DataFrame:
    """The accounts that payees have now and nothing may be paid to, and why."""
    return copy_out(connection, sql("held_accounts"), {}, _HELD)


def with_holds(held: pd.DataFrame, instructions: pd.DataFrame) -> pd.DataFrame:
    """The same rows with why nothing may be paid to their accounts (account_code, account_details as JSON).

    Missing where they may be paid to, and of what is no payout.
    """
    found = instructions.merge(held, on=_KEY, how="left")
    if "billing_type" in found:
        is_return = ~found["billing_type"].isin(PAYOUT_TYPES)
        found["account_code"] = found["account_code"].mask(is_return)
    return found


def to_confirm(connection: Connection, payee: Payee | None = None) -> Sequence[ToConfirm]:
    """The accounts that payees have now, or one has, to which nothing may be paid."""
    of_payee = payee.parameters if payee else {"subject": None, "subject_id": None}
    with connection.cursor(row_factory=class_row(ToConfirm)) as cursor:
        return cursor.execute(sql("accounts_to_confirm"), of_payee).fetchall()


def has_approved(connection: Connection, account: ToConfirm, actor: str) -> bool:
    """Whether the person has approved what is held for the account; the database refuses their confirmation then."""
    whose = {**account.payee.parameters, "account": account.stripe_account_id, "actor": actor}
    return bool(scalar(connection, sql("approved_for_account"), whose))


def confirm(connection: Connection, account: ToConfirm, actor: str, reason: str) -> None:
    """Keep that the account is the payee's, under the locks of its ledger accounts."""
    said = {**account.payee.parameters, "account": account.stripe_account_id, "actor": actor, "reason": reason}
    connection.execute(sql("confirm_account"), said)


def _accounts(payouts: pd.DataFrame) -> dict[str, list[Any]]:
    """Each payee's account, once; of what is no payout there is none."""
    is_payee = payouts["billing_subject"].isin(_PAYEES)
    if "billing_type" in payouts:
        is_payee &= payouts["billing_type"].isin(PAYOUT_TYPES)
    known = payouts.loc[is_payee & payouts["stripe_account_id"].notna(), _KEY].drop_duplicates()
    names = ("subjects", "ids", "accounts")
    return {name: known[column].tolist() for name, column in zip(names, _KEY, strict=True)}
