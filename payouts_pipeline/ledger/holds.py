"""Why an instruction is held back: a person's hold, an amount that wants approval, or nobody known at Stripe."""

from collections.abc import Mapping

import pandas as pd

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.billing import BillingSubject
from payouts_pipeline.domain.reasons import ReasonCode
from payouts_pipeline.ledger.bulk import copy_out
from payouts_pipeline.ledger.database import Connection, sql

_HELD_PAYEES = {"billing_subject": frames.TEXT, "subject_id": frames.ID, "hold_details": frames.TEXT}


def held_payees(connection: Connection) -> pd.DataFrame:
    """Who is on hold (billing_subject, subject_id), and the details of the reason of instructions (hold_details)."""
    return copy_out(connection, sql("held_payees"), {}, _HELD_PAYEES)


def limits_exceeded(instructions: pd.DataFrame, approval_above_minor: Mapping[str, int]) -> "pd.Series[int]":
    """The limit that each amount_minor is above; missing where it needs no approval."""
    limits = instructions["currency"].map(approval_above_minor).astype(frames.ID)
    return limits.where((instructions["amount_minor"] > limits).fillna(value=False), pd.NA)


def why_held(instructions: pd.DataFrame) -> pd.DataFrame:
    """Why each instruction must not be sent now (reason_code, reason_details as JSON); missing where it may be.

    Columns: billing_subject, hold_details (of the reason while a person's hold lasts), approval_above_minor (the limit
    that it exceeds without an approval), and the Stripe ids of `league`. Details are spelled as Postgres spells jsonb,
    so that those of an instruction and those of what holds it now can be compared as texts.
    """
    on_hold, limit = instructions["hold_details"], instructions["approval_above_minor"]
    is_player = instructions["billing_subject"] == BillingSubject.PLAYER
    stripe_id = instructions["stripe_customer_id"].where(is_player, instructions["stripe_account_id"])
    code = pd.Series(pd.NA, index=instructions.index, dtype=frames.TEXT)
    code[stripe_id.isna()] = ReasonCode.NO_STRIPE_ID.value
    code[limit.notna()] = ReasonCode.APPROVAL_REQUIRED.value
    code[on_hold.notna()] = ReasonCode.ON_HOLD.value
    details = on_hold.fillna('{"limit_minor": ' + limit.astype(frames.TEXT) + "}").fillna("{}")
    return pd.DataFrame({"reason_code": code, "reason_details": details.where(code.notna(), pd.NA)})
