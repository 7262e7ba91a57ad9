"""Makes instructions from account balances: charges for what players owe, payouts of what was collected.

Each function is one step of a transaction that holds `booking.lock_day` and `booking.lock_accounts`.
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from uuid import UUID

import pandas as pd

from payouts_pipeline.domain import currencies, frames
from payouts_pipeline.domain.billing import BILLING_TYPE_OF
from payouts_pipeline.domain.instructions import CANCELLABLE, Status, instruction_id
from payouts_pipeline.domain.reasons import Reason, ReasonCode
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import identity
from payouts_pipeline.ledger.bulk import copy_in, copy_out
from payouts_pipeline.ledger.database import Connection, scalar, sql
from payouts_pipeline.ledger.holds import held_payees, limits_exceeded, why_held

NO_LIMITS: Mapping[str, int] = MappingProxyType({})
_PENDING = Reason(ReasonCode.NOT_PUBLISHED).columns

_DUE = {
    "account_id": frames.ID,
    "billing_subject": frames.TEXT,
    "subject_id": frames.ID,
    "currency": frames.TEXT,
    "amount_minor": frames.ID,
    "sequence": frames.ID,
}
_NEW = [
    "id", "account_id", "billing_type", "currency", "amount_minor", "sequence", "status", "reason_code",
    "reason_details", "approval_above_minor",
    "stripe_account_id", "stripe_customer_id", "stripe_payment_method_id",
]  # fmt: skip


def cancel_charges(connection: Connection, day: date, actor: str) -> None:
    """Take back charges of more than is owed, where nothing is under way at the provider."""
    _cancel(connection, sql("find_cancellable_charges"), day, actor)


def cancel_payouts(connection: Connection, day: date, actor: str) -> None:
    """Take back payouts of more than is due, where nothing is under way at the provider."""
    _cancel(connection, sql("find_cancellable_payouts"), day, actor)


def _cancel(connection: Connection, query: str, day: date, actor: str) -> None:
    connection.execute(query, {"day": day, "cancellable": sorted(CANCELLABLE)})
    connection.execute(sql("cancel_instructions"), {"actor": actor, **Reason(ReasonCode.REPLACED).columns})


def release_collected_fees(connection: Connection, day: date, actor: str) -> int:
    """Make the shares of fees payable that were really collected (rule of money 2); how many fees."""
    connection.execute(sql("find_uncollected_fees"), {"day": day})
    connection.execute(sql("count_uncollected_fees"))
    connection.execute(sql("find_collected_fees"))
    release_id = scalar(connection, sql("insert_release"), {"day": day, "actor": actor})
    if release_id is None:
        return 0
    parameters = {"release_id": release_id}
    connection.execute(sql("mark_fees_released"), parameters)
    connection.execute(sql("insert_release_lines"), parameters)
    connection.execute(sql("add_released"), parameters)
    return int(connection.execute(sql("count_due")).fetchall()[0][0])


def make_charges(
    connection: Connection,
    source: Connection,
    day: date,
    actor: str,
    approval_above_minor: Mapping[str, int] = NO_LIMITS,
) -> int:
    """One charge for each player of the day whose open balance reaches Stripe's minimum; how many."""
    due = copy_out(connection, sql("charges_due"), {"day": day}, _DUE)
    return _make(connection, source, day, due, {}, approval_above_minor, actor, apply=sql("apply_charges"))


def make_payouts(
    connection: Connection,
    source: Connection,
    day: date,
    minimums_minor: Mapping[str, int],
    actor: str,
    approval_above_minor: Mapping[str, int] = NO_LIMITS,
) -> int:
    """One payout for each payee of the day whose payable balance reaches the minimum; how many."""
    due = copy_out(connection, sql("payouts_due"), {"day": day}, _DUE)
    return _make(connection, source, day, due, minimums_minor, approval_above_minor, actor, apply=sql("apply_payouts"))


def _make(
    connection: Connection,
    source: Connection,
    day: date,
    due: pd.DataFrame,
    minimums_minor: Mapping[str, int],
    approval_above_minor: Mapping[str, int],
    actor: str,
    apply: str,
) -> int:
    """Insert instructions for what is due, and tie what they pay for to them."""
    minimum = due["currency"].map(lambda c: minimums_minor.get(c, currencies.minimum_charge_minor(c)))
    due = due[due["amount_minor"] >= minimum.astype(frames.ID)]
    if due.empty:
        return 0
    payee = ["billing_subject", "subject_id"]
    due = due.assign(approval_above_minor=limits_exceeded(due, approval_above_minor))
    due = due.merge(reader.stripe_ids(source, due), on=payee, how="left")
    due = due.merge(held_payees(connection), on=payee, how="left")
    connection.execute(sql("create_new_instructions"))
    copy_in(connection, "new_instructions", _as_instructions(due, day, identity.read(connection).id))
    connection.execute(sql("insert_instructions"), {"day": day, "actor": actor})
    connection.execute(sql("add_in_flight"))
    connection.execute(apply, {"day": day})
    return len(due)


def _as_instructions(due: pd.DataFrame, day: date, ledger_id: UUID) -> pd.DataFrame:
    """What is due as rows of `new_instructions`: held, with the reason, where something stands in its way."""
    new = due.assign(billing_type=due["billing_subject"].map(BILLING_TYPE_OF))
    keys = zip(new["billing_type"], new["subject_id"], new["currency"], new["sequence"], strict=True)
    new["id"] = [str(instruction_id(ledger_id, day, *key)) for key in keys]
    why = why_held(new)
    new["status"] = why["reason_code"].notna().map({True: Status.HELD.value, False: Status.PENDING.value})
    new = new.join(why.fillna(_PENDING))
    return new[_NEW]
