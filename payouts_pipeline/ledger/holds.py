"""What holds instructions back: a person's hold, an amount that wants approval, or nobody known at Stripe."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import pandas as pd

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.domain.four_eyes import OwnDoing
from payouts_pipeline.domain.instructions import CANCELLABLE
from payouts_pipeline.domain.reasons import Reason, ReasonCode
from payouts_pipeline.ledger import payee_accounts
from payouts_pipeline.ledger.bulk import copy_out
from payouts_pipeline.ledger.database import Connection, scalar, sql
from payouts_pipeline.ledger.locks import lock_accounts_of

_HELD_PAYEES = frames.columns(ids="subject_id", texts="billing_subject hold_details")
_HELD = frames.columns(
    ids="subject_id amount_minor approval_above_minor",
    texts="id billing_type billing_subject hold_details is_balanced stripe_account_id stripe_customer_id",
)


@dataclass(frozen=True)
class Held:
    """What a hold did: how many instructions it holds back, and those that were in progress already."""

    held: int
    in_progress: list[UUID]


def held_payees(connection: Connection) -> pd.DataFrame:
    """Who is on hold (billing_subject, subject_id), and the details of the reason of instructions (hold_details)."""
    return copy_out(connection, sql("held_payees"), {}, _HELD_PAYEES)


def limits_exceeded(instructions: pd.DataFrame, approval_above_minor: Mapping[str, int]) -> "pd.Series[int]":
    """The limit that each amount_minor is above; missing where it needs no approval."""
    limits = instructions["currency"].map(approval_above_minor).astype(frames.ID)
    return limits.where((instructions["amount_minor"] > limits).fillna(value=False), pd.NA)


def payee_ids(instructions: pd.DataFrame) -> "pd.Series[str]":
    """The customer who would be charged, or the account that would be paid; missing where `league` has none."""
    is_player = instructions["billing_subject"] == BillingSubject.PLAYER
    return instructions["stripe_customer_id"].where(is_player, instructions["stripe_account_id"])


def why_held(instructions: pd.DataFrame) -> pd.DataFrame:
    """Why each instruction must not be sent now (reason_code, reason_details as JSON); missing where it may be.

    Columns: billing_subject, hold_details (of the reason while a person's hold lasts), is_balanced (missing of a payout
    in a currency whose balance is not understood), amount_minor, approval_above_minor (the limit that it, or its day's
    payouts together, exceeds without an approval), what speaks against its account (`payee_accounts.with_holds`), and
    the Stripe ids of `league`. What wants a person is said first. Details are spelled as Postgres spells jsonb, so that
    those of an instruction and those of what holds it now can be compared as texts.
    """
    on_hold, limit = instructions["hold_details"], instructions["approval_above_minor"]
    stripe_id = payee_ids(instructions)
    code = pd.Series(pd.NA, index=instructions.index, dtype=frames.TEXT)
    code[instructions["is_balanced"].isna()] = ReasonCode.BALANCE_NOT_UNDERSTOOD.value
    code[stripe_id.isna()] = ReasonCode.NO_STRIPE_ID.value
    of_account = instructions["account_code"]
    code = code.mask(of_account.notna(), of_account)
    is_of_day = (limit >= instructions["amount_minor"]).fillna(value=False)
    code[is_of_day & stripe_id.notna()] = ReasonCode.DAY_APPROVAL_REQUIRED.value
    code[limit.notna() & ~is_of_day] = ReasonCode.APPROVAL_REQUIRED.value
    is_anothers = of_account == ReasonCode.ACCOUNT_OF_ANOTHER
    code[is_anothers.fillna(value=False)] = ReasonCode.ACCOUNT_OF_ANOTHER.value
    code[on_hold.notna()] = ReasonCode.ON_HOLD.value
    details = pd.Series("{}", index=instructions.index, dtype=frames.TEXT)
    is_of_account = code.isin([ReasonCode.ACCOUNT_RESTS, ReasonCode.ACCOUNT_OF_ANOTHER])
    details = details.mask(is_of_account, instructions["account_details"])
    is_of_limit = code.isin([ReasonCode.APPROVAL_REQUIRED, ReasonCode.DAY_APPROVAL_REQUIRED])
    details = details.mask(is_of_limit, '{"limit_minor": ' + limit.astype(frames.TEXT) + "}")
    details = details.mask(on_hold.notna(), on_hold)
    return pd.DataFrame({"reason_code": code, "reason_details": details.mask(code.isna())})


def currencies_on_hold(connection: Connection) -> list[str]:
    """In which no payout is sent: the provider's balance is not what the ledger says, and nobody knows why."""
    return [currency for (currency,) in connection.execute(sql("currencies_on_hold"))]


def hold_payouts(connection: Connection, day: date, actor: str) -> int:
    """Hold what is ready of a day's payouts in such currencies, under the locks of their accounts; how many."""
    parameters = {"day": day, "actor": actor, "reason_code": ReasonCode.BALANCE_NOT_UNDERSTOOD}
    return connection.execute(sql("hold_payouts_of_day"), parameters).rowcount


def lock(connection: Connection, payee: Payee) -> None:
    """Lock what placing or lifting a hold changes: one person at a time, and no instruction is made meanwhile."""
    connection.execute(sql("lock_holds"))
    lock_accounts_of(connection, payee)


def reason_of_hold(connection: Connection, payee: Payee) -> str | None:
    """Why a payee is on hold; None where it is not."""
    reason: str | None = scalar(connection, sql("hold_of_payee"), payee.parameters)
    return reason


def place(connection: Connection, payee: Payee, actor: str, reason: str) -> Held:
    """Hold back everything of a payee that is not in progress, and all that will be made for it; under `lock`."""
    hold = {**payee.parameters, "actor": actor, "reason": reason, "is_hold": True}
    connection.execute(sql("insert_hold"), hold)
    held = connection.execute(sql("hold_instructions"), {**hold, "cancellable": sorted(CANCELLABLE)})
    in_progress = connection.execute(sql("in_progress_of_payee"), payee.parameters)
    return Held(held.rowcount, [row[0] for row in in_progress])


def lift(connection: Connection, payee: Payee, actor: str, reason: str) -> int:
    """End a hold, under `lock`; how many instructions are held for the payee until they are resumed."""
    connection.execute(sql("insert_hold"), {**payee.parameters, "actor": actor, "reason": reason, "is_hold": False})
    return _say_why(connection, payee, None, Reason(ReasonCode.HOLD_LIFTED, {"reason": reason}), actor)


def own_doing(connection: Connection, instruction: UUID, actor: str) -> OwnDoing | None:
    """What the person has to do with an instruction, so that another must approve it; the database sees to it."""
    what: str | None = scalar(connection, sql("own_doing"), {"id": instruction, "actor": actor})
    return OwnDoing(what) if what else None


def approve(connection: Connection, instruction: UUID, payee: Payee, actor: str, reason: str) -> None:
    """Let an instruction above the limit be resumed, under the locks of its day and account."""
    connection.execute(sql("insert_approval"), {"id": instruction, "actor": actor, "reason": reason})
    _say_why(connection, payee, instruction, Reason(ReasonCode.APPROVED, {"reason": reason}), actor)


def say_confirmed(connection: Connection, payee: Payee, actor: str, reason: str) -> int:
    """Say that the payee's account is confirmed, under the locks of its accounts; how many instructions it holds."""
    return _say_why(connection, payee, None, Reason(ReasonCode.ACCOUNT_CONFIRMED, {"reason": reason}), actor)


def approve_day(connection: Connection, day: date, actor: str, reason: str) -> list[tuple[str, int, int]]:
    """Let the payouts of a day go that wait since they are above its limit together, but what is this person's doing.

    Currency, how many, and amount_minor of those; under the locks of the day and of the payees.
    """
    return connection.execute(sql("approve_day"), {"day": day, "actor": actor, "reason": reason}).fetchall()


def wants_approval_of_day(connection: Connection, day: date) -> int:
    """How many payouts of a day wait since they are above its limit together."""
    return int(scalar(connection, sql("wanted_approval_of_day"), {"day": day}))


def _say_why(connection: Connection, payee: Payee, instruction: UUID | None, otherwise: Reason, actor: str) -> int:
    """Give held instructions the reason that holds them now, or ``otherwise`` where none does; how many."""
    which = {**payee.parameters, "instruction_id": instruction}
    found = copy_out(connection, sql("held_instructions"), which, _HELD)
    held = payee_accounts.with_holds(payee_accounts.held(connection), found)
    why = why_held(held).fillna(otherwise.columns)
    reasons = {"codes": list(why["reason_code"]), "details": list(why["reason_details"])}
    return connection.execute(sql("set_held_reasons"), {"ids": list(held["id"]), **reasons, "actor": actor}).rowcount


def held_amounts(connection: Connection, payee: Payee) -> list[tuple[str, str, int, int]]:
    """What is held of a payee: billing type, currency, how many, and amount_minor of those."""
    return connection.execute(sql("held_amounts"), payee.parameters).fetchall()


def list_holds(connection: Connection) -> list[tuple[Any, ...]]:
    """Who is on hold: payee, since when, by whom, and why."""
    return connection.execute(sql("list_holds")).fetchall()


def list_wanted_approvals(connection: Connection) -> list[tuple[Any, ...]]:
    """What waits for approval: id, day, billing type, currency, amount_minor, payee, whether its day is approved."""
    return connection.execute(sql("list_wanted_approvals")).fetchall()


def has_account(connection: Connection, payee: Payee) -> bool:
    """Whether the ledger knows a payee."""
    return bool(scalar(connection, sql("has_account"), payee.parameters))
