"""Why an instruction is held back: a person's hold, an amount that wants approval, or nobody known at Stripe."""

from collections.abc import Mapping

import pandas as pd

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.billing import BillingSubject
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.ledger.bulk import copy_out
from payouts_pipeline.ledger.database import Connection, sql

_HELD_PAYEES = {"billing_subject": frames.TEXT, "subject_id": frames.ID, "why_on_hold": frames.TEXT}


def held_payees(connection: Connection) -> pd.DataFrame:
    """Who is on hold (billing_subject, subject_id) and why (why_on_hold)."""
    return copy_out(connection, sql("held_payees"), {}, _HELD_PAYEES)


def limits_exceeded(instructions: pd.DataFrame, approval_above_minor: Mapping[str, int]) -> "pd.Series[int]":
    """The limit that each amount_minor is above; missing where it needs no approval."""
    limits = instructions["currency"].map(approval_above_minor).astype(frames.ID)
    return limits.where((instructions["amount_minor"] > limits).fillna(value=False), pd.NA)


def why_held(instructions: pd.DataFrame) -> "pd.Series[str]":
    """Why each instruction must not be sent now; missing where nothing stands in its way.

    Columns: billing_subject, currency, why_on_hold (a person's), approval_above_minor (the limit that it exceeds
    without an approval), and the Stripe ids of `league`.
    """
    return instructions["why_on_hold"].fillna(_wants_approval(instructions)).fillna(_missing_at_stripe(instructions))


def _wants_approval(instructions: pd.DataFrame) -> "pd.Series[str]":
    rows = zip(instructions["approval_above_minor"], instructions["currency"], strict=True)
    reasons = [
        None if pd.isna(limit) else f"above {format_minor(int(limit), currency)}: waits for approval (payouts approve)"
        for limit, currency in rows
    ]
    return pd.Series(reasons, index=instructions.index, dtype=frames.TEXT)


def _missing_at_stripe(instructions: pd.DataFrame) -> "pd.Series[str]":
    """Whom Stripe can't be told, in words: a player's customer, a payee's account."""
    is_player = instructions["billing_subject"] == BillingSubject.PLAYER
    stripe_id = instructions["stripe_customer_id"].where(is_player, instructions["stripe_account_id"])
    what = is_player.map({True: "customer", False: "account"}).astype(frames.TEXT)
    reason = "the " + instructions["billing_subject"] + " has no Stripe " + what
    return reason.where(stripe_id.isna(), pd.NA).astype(frames.TEXT)
