"""Takes instructions up again whose time has come, or whose cause was mended in `league` (design section 5)."""

from datetime import date

import pandas as pd

from payouts_pipeline.domain import frames
from payouts_pipeline.effects import Effect, effect
from payouts_pipeline.ledger import league
from payouts_pipeline.ledger.database import Connection, copy_in, copy_out, sql
from payouts_pipeline.ledger.instructions import PENDING_REASON, missing_at_stripe

_BLOCKED = {
    "id": frames.TEXT,
    "billing_subject": frames.TEXT,
    "subject_id": frames.ID,
    "status": frames.TEXT,
    "is_due": frames.TEXT,
    "known_account_id": frames.TEXT,
    "known_customer_id": frames.TEXT,
    "known_payment_method_id": frames.TEXT,
}
_IDS = ["stripe_account_id", "stripe_customer_id", "stripe_payment_method_id"]
_KNOWN = ["known_account_id", "known_customer_id", "known_payment_method_id"]


def take_up(connection: Connection, source: Connection, day: date, actor: str) -> int:
    """Make instructions of the day pending again that can go on now; how many.

    A held one goes on once Stripe's ids are there; a waiting one when its time has come; a waiting or rejected
    one also as soon as the ids in `league` have changed, since that is a new card or account.
    """
    blocked = copy_out(connection, "blocked_instructions", {"day": day}, _BLOCKED)
    if blocked.empty:
        return 0
    now = blocked.merge(league.stripe_ids(source, blocked), on=["billing_subject", "subject_id"], how="left")
    ready = now[_can_go_on(now)]
    if ready.empty:
        return 0
    with effect(Effect.TAKE_UP), connection.transaction():
        connection.execute(sql("create_ready"))
        copy_in(connection, "ready", ready[["id", "status", *_IDS]])
        parameters = {"reason": PENDING_REASON, "actor": actor}
        return connection.execute(sql("take_up"), parameters).rowcount


def _can_go_on(blocked: pd.DataFrame) -> "pd.Series[bool]":
    """Which of the blocked instructions have all that they need, and their time or their cause behind them."""
    complete = missing_at_stripe(blocked).isna()
    changed = pd.Series(data=False, index=blocked.index)
    for current, known in zip(_IDS, _KNOWN, strict=True):
        changed |= blocked[current].fillna("") != blocked[known].fillna("")
    return complete & ((blocked["status"] == "held") | (blocked["is_due"] == "t") | changed)
