"""Instructions: made from account balances, and resumed.

What is made or resumed comes as a frame with the Stripe ids of `league` in it: nothing here reads there.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self
from uuid import UUID

import pandas as pd
from psycopg.rows import class_row

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.billing import BILLING_TYPE_OF, BillingSubject, Payee
from payouts_pipeline.domain.funds import WAITS_FOR_FUNDS
from payouts_pipeline.domain.instructions import Status, instruction_names
from payouts_pipeline.domain.limits import NO_AMOUNTS, Limits
from payouts_pipeline.domain.reasons import Reason, ReasonCode, WithReason
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import identity, payee_accounts
from payouts_pipeline.ledger.bulk import ahead, copy_in, copy_out, copy_out_blocks, pages
from payouts_pipeline.ledger.database import Connection, sql
from payouts_pipeline.ledger.holds import currencies_on_hold, held_payees, limits_exceeded, why_held
from payouts_pipeline.ledger.outbox import LOST_AFTER
from payouts_pipeline.ledger.portions import divide_due

# The reason of an instruction that nothing holds back.
PENDING = Reason(ReasonCode.NOT_PUBLISHED).columns

_DUE = frames.columns(ids="account_id subject_id amount_minor sequence", texts="billing_subject currency")
_NEW = [
    "id", "account_id", "billing_type", "currency", "amount_minor", "sequence", "is_portion", "status", "reason_code",
    "reason_details", "approval_above_minor",
    "stripe_account_id", "stripe_customer_id", "stripe_payment_method_id",
]  # fmt: skip
_CHARGED = frames.columns(ids="account_id subject_id amount_minor", texts="billing_subject currency")
_BLOCKED = frames.columns(
    ids="subject_id amount_minor approval_above_minor",
    texts="day id billing_type billing_subject status reason_code reason_details is_due hold_details is_balanced "
    "approved_for known_account_id known_customer_id known_payment_method_id",
)

_BLOCKED_BUT_MOVED = frames.columns(ids="subject_id", texts="id billing_subject")


@dataclass(frozen=True, kw_only=True)
class Instruction(WithReason):
    """An instruction as the person sees it who acts on it."""

    id: UUID
    day: date
    amount_minor: int
    account_id: int
    subject: str
    subject_id: int
    wants_approval: bool
    is_approved: bool

    @property
    def payee(self) -> Payee:
        """Whom it pays, or which player."""
        return Payee(BillingSubject(self.subject), self.subject_id)


def charges_due(connection: Connection, day: date) -> Iterator[pd.DataFrame]:
    """The open balance of each player of the day, where it reaches Stripe's minimum. Under the locks of the day.

    In several rows where one charge would be above Stripe's maximum, each of which covers fees of its own.
    """
    connection.execute(sql("create_due_accounts"))
    connection.execute(sql("find_charges_due"), {"day": day, "carried_over": ReasonCode.CARRIED_OVER})
    for due in pages(connection, sql("read_due"), _DUE):
        yield divide_due(connection, due, {}, day, sql("insert_charge_parts"))


def payouts_due(
    connection: Connection, day: date, minimums_minor: Mapping[str, int], cancelled_account_ids: Sequence[int]
) -> Iterator[pd.DataFrame]:
    """The payable balance of each payee of the day, where it reaches the minimum. Under the locks of the day.

    In several rows where one payout would be above Stripe's maximum.

    All that is payable, also of later days, on the accounts whose payout was cancelled just now (`cancel_payouts`).
    """
    carried_over = ReasonCode.CARRIED_OVER
    parameters = {"day": day, "cancelled_account_ids": list(cancelled_account_ids), "carried_over": carried_over}
    connection.execute(sql("create_due_accounts"))
    connection.execute(sql("find_payouts_due"), parameters)
    for due in pages(connection, sql("read_due"), _DUE):
        yield divide_due(connection, due, minimums_minor, day, sql("insert_payout_parts"))


def make_charges(
    connection: Connection, day: date, due: Iterable[pd.DataFrame], approval_above_minor: Mapping[str, int], actor: str
) -> int:
    """A charge for each of `charges_due` with its Stripe ids, which covers all open fees of the account; how many."""
    queries = sql("apply_charges"), sql("apply_charge_portions")
    return _make(connection, day, due, approval_above_minor, actor, *queries)


def make_payouts(connection: Connection, day: date, due: Iterable[pd.DataFrame], limits: Limits, actor: str) -> int:
    """A payout for each of `payouts_due` with its Stripe ids; how many."""
    queries = sql("apply_payouts"), sql("apply_payout_portions")
    seen = (_seen(connection, page, limits) for page in due)
    return _make(connection, day, seen, limits.approval_above_minor, actor, *queries, limits.day_above_minor)


def _seen(connection: Connection, due: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """The same, once it is noted to which accounts it goes."""
    if len(due):
        payee_accounts.see(connection, due, limits.account_rest)
    return due


def make_charges_at_once(
    connection: Connection,
    day: date,
    charged: Iterable[pd.DataFrame],
    approval_above_minor: Mapping[str, int],
    actor: str,
) -> int:
    """The charges of a day's first booking (`charges_at_once` with their Stripe ids), before its fees are written.

    Each stands in the table `charges` afterwards; how many.
    """
    made, circumstances = 0, _Circumstances.now(connection)

    def rows(page: pd.DataFrame) -> pd.DataFrame:
        new = circumstances.instructions(page.assign(sequence=1, is_portion=False), day, approval_above_minor)
        # In the order of their ids, which a b-tree loads in a third of the time.
        return new.drop(columns=["is_portion"]).assign(day=day, changed_by=actor).sort_values("id")

    for new in ahead(map(rows, charged)):
        copy_in(connection, "payouts.instructions", new)
        made += len(new)
    connection.execute(sql("find_charges"), {"day": day})
    return made


def make_return_order(
    connection: Connection, day: date, ordered: pd.DataFrame, approval_above_minor: Mapping[str, int], actor: str
) -> UUID:
    """The instruction that asks Stripe to give back (`ledger.return_orders`); it moves nothing on its account."""
    connection.execute(sql("create_new_instructions"))
    new = ordered.assign(is_portion=False)
    made = _Circumstances.now(connection).instructions(new, day, approval_above_minor)
    copy_in(connection, "new_instructions", made)
    connection.execute(sql("insert_instructions"), {"day": day, "actor": actor})
    return UUID(str(made["id"].iloc[0]))


def charges_at_once(connection: Connection) -> Iterator[pd.DataFrame]:
    """Whom the booking alone is charged for (`bookings.post`), and how much; it counts as in flight already.

    All are read before it returns.
    """
    charged = copy_out_blocks(connection, sql("read_charged"), {}, _CHARGED)
    return (page for page in charged if len(page))


def _make(
    connection: Connection,
    day: date,
    due: Iterable[pd.DataFrame],
    approval_above_minor: Mapping[str, int],
    actor: str,
    apply: str,
    apply_portions: str,
    day_above_minor: Mapping[str, int] = NO_AMOUNTS,
) -> int:
    """Insert instructions for what is due, and tie what they pay for to them."""
    made, has_portions = 0, False
    for page in (each for each in due if len(each)):
        if not made:
            connection.execute(sql("create_new_instructions"))
        # Anew for each page: whatever accounts of payees are seen with it may have to rest.
        circumstances = _Circumstances.now(connection)
        copy_in(connection, "new_instructions", circumstances.instructions(page, day, approval_above_minor))
        made, has_portions = made + len(page), has_portions or bool(page["is_portion"].any())
    if not made:
        return 0
    if day_above_minor:
        connection.execute(sql("hold_above_limit_of_day"), {"day": day, "limits": json.dumps(dict(day_above_minor))})
    connection.execute(sql("insert_instructions"), {"day": day, "actor": actor})
    connection.execute(sql("add_in_flight"))
    connection.execute(apply, {"day": day})
    if has_portions:
        connection.execute(apply_portions)
    return made


@dataclass(frozen=True)
class _Circumstances:
    """What decides about whatever instructions are made in a transaction: who they are of, and what is held."""

    ledger_id: str
    payees: pd.DataFrame
    accounts: pd.DataFrame
    currencies: Sequence[str]

    @classmethod
    def now(cls, connection: Connection) -> Self:
        """As the transaction sees them."""
        ledger_id = str(identity.read(connection).id)
        payees, accounts = held_payees(connection), payee_accounts.held(connection)
        return cls(ledger_id, payees, accounts, currencies_on_hold(connection))

    def instructions(self, due: pd.DataFrame, day: date, approval_above_minor: Mapping[str, int]) -> pd.DataFrame:
        """What is due as rows of `new_instructions`: held, with the reason, where something stands in its way."""
        due = due.assign(approval_above_minor=limits_exceeded(due, approval_above_minor))
        new = due.merge(self.payees, on=["billing_subject", "subject_id"], how="left")
        if "billing_type" not in new:
            new["billing_type"] = new["billing_subject"].map(BILLING_TYPE_OF)
        new = payee_accounts.with_holds(self.accounts, new)
        new["is_balanced"] = _balanced(new, self.currencies)
        # As lists: going through the column itself takes three times as long.
        keys = [new[name].tolist() for name in ["billing_type", "subject_id", "currency", "sequence"]]
        new["id"] = instruction_names(self.ledger_id, day, zip(*keys, strict=True))
        why = why_held(new)
        new["status"] = why["reason_code"].notna().map({True: Status.HELD.value, False: Status.PENDING.value})
        return new.join(why.fillna(PENDING))[_NEW]


def _balanced(new: pd.DataFrame, on_hold: Sequence[str]) -> "pd.Series[str]":
    """Missing for payouts in these currencies: what is charged is not paid out yet."""
    is_held = new["currency"].isin(on_hold) & (new["billing_subject"] != BillingSubject.PLAYER)
    return is_held.map({True: pd.NA, False: "t"}).astype(frames.TEXT)


def blocked(connection: Connection, day: date | None) -> pd.DataFrame:
    """What of a day, or of all days, is held, waiting or rejected, with all that decides whether it can continue.

    That is the reason that it has, whether its time has come (is_due), what may hold it now (hold_details,
    is_balanced, approval_above_minor), and the Stripe ids that it was last tried with (known_...).
    """
    parameters = {"day": day, "waits_for_funds": sorted(WAITS_FOR_FUNDS)}
    return copy_out(connection, sql("blocked_instructions"), parameters, _BLOCKED)


def blocked_but_moved(connection: Connection) -> pd.DataFrame:
    """What of all days is held, waiting or rejected, and was moved all the same: id, billing_subject, subject_id."""
    return copy_out(connection, sql("blocked_with_movements"), {}, _BLOCKED_BUT_MOVED)


def resume(connection: Connection, moving: pd.DataFrame, actor: str) -> int:
    """Move blocked instructions to pending, or to held for another reason; how many were not moved by somebody else.

    Columns: id, old_status, status, reason_code, reason_details and the Stripe ids of now.
    """
    connection.execute(sql("create_resuming"))
    copy_in(connection, "resuming", moving)
    connection.execute(sql("lock_resuming"))
    return connection.execute(sql("resume"), {"actor": actor}).rowcount


def days_due(connection: Connection) -> dict[date, str]:
    """The days whose instructions can continue for no other reason than time, each with a text that changes with them.

    A message, a worker or a run is taken to be lost when nothing has moved for `LOST_AFTER`.
    """
    return dict(connection.execute(sql("days_due"), {"lost_after": LOST_AFTER}).fetchall())


def find(connection: Connection, instruction: UUID) -> Instruction:
    """An instruction by its id; raises PayoutsError where there is none."""
    with connection.cursor(row_factory=class_row(Instruction)) as cursor:
        found = cursor.execute(sql("find_instruction"), {"id": instruction}).fetchone()
    if found is None:
        raise PayoutsError(f"There is no instruction {instruction} in the ledger: see that the id is right.")
    return found
