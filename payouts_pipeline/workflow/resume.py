"""Resumes instructions whose time has come, or whose cause was fixed in `league`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from payouts_pipeline.domain.billing import RETURN_TYPES
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.reasons import Reason, ReasonCode
from payouts_pipeline.domain.refusals import NO_TRANSFERS
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.failpoints import Failpoint, failpoint
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import instructions
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.holds import payee_ids, why_held

_REASON = list(instructions.PENDING)
_IDS = ["stripe_account_id", "stripe_customer_id", "stripe_payment_method_id"]
_KNOWN = ["known_account_id", "known_customer_id", "known_payment_method_id"]


def resume(connection: Connection, source: Connection, day: date, actor: str) -> int:
    """Make instructions of the day pending again that can continue now; how many moved.

    A held one continues once nothing holds it any more; a waiting one when its time has come; a waiting or rejected
    one also as soon as the ids in `league` have changed, since that is a new card or account. What would continue but
    for a hold, a missing approval or a missing account is held, with that as its reason.
    """
    return _move(connection, find_moving(connection, source, day), actor)


@dataclass(frozen=True)
class Retried:
    """How many instructions continue, by day, and how many something else holds now."""

    pending: Mapping[date, int]
    held: int


def retry(connection: Connection, source: Connection, code: str, day: date | None, actor: str, reason: str) -> Retried:
    """Make what was refused with this code pending again, of a day or of all days; a hold is kept to all the same.

    Only what Stripe has definitely refused. Somebody may have paid it since, so Stripe is asked before it is sent.
    Raises PayoutsError where there is none.
    """
    blocked = instructions.blocked(connection, day)
    refused = blocked[blocked["status"].isin([Status.WAITING, Status.REJECTED])]
    chosen = refused[refused["reason_code"] == code]
    if chosen.empty:
        raise PayoutsError(_nothing_has(code, sorted(set(refused["reason_code"]))))
    return _bring_back(connection, source, chosen, Reason(ReasonCode.RETRIED, {"reason": reason}), actor)


def bring_back_payouts(connection: Connection, source: Connection, accounts: Collection[str], actor: str) -> int:
    """Make payouts pending again that were refused while these Stripe accounts could not receive; how many."""
    blocked = instructions.blocked(connection, None)
    refused = blocked[(blocked["status"] == Status.REJECTED) & (blocked["reason_code"] == NO_TRANSFERS)]
    is_payout = ~refused["billing_type"].isin(RETURN_TYPES)
    chosen = refused[is_payout & refused["known_account_id"].isin(accounts)]
    if chosen.empty:
        return 0
    return sum(_bring_back(connection, source, chosen, Reason(ReasonCode.CAN_RECEIVE), actor).pending.values())


def _bring_back(
    connection: Connection, source: Connection, chosen: pd.DataFrame, reason: Reason, actor: str
) -> Retried:
    """Move what was chosen to pending for this reason, or to held where something holds it."""
    moving = _moving(_with_ids_of_now(source, chosen.assign(is_due="t")))
    is_free = moving["status"] == Status.PENDING
    moving.loc[is_free, _REASON] = list(reason.columns.values())
    _move(connection, moving, actor)
    by_day = moving[is_free].groupby("day").size()
    return Retried({date.fromisoformat(str(day)): int(count) for day, count in by_day.items()}, int((~is_free).sum()))


def _nothing_has(code: str, others: Sequence[str]) -> str:
    found = f"the codes there are: {', '.join(others)}" if others else "nothing is"
    return f"No instruction is refused with code '{code}': {found}."


def _move(connection: Connection, moving: pd.DataFrame, actor: str) -> int:
    if moving.empty:
        return 0
    with failpoint(Failpoint.RESUME), connection.transaction():
        return instructions.resume(connection, moving.drop(columns="day"), actor)


def find_moving(connection: Connection, source: Connection, day: date | None) -> pd.DataFrame:
    """The instructions of a day, or of all days, that `resume` would move, and what they become."""
    blocked = instructions.blocked(connection, day)
    return blocked if blocked.empty else _moving(_with_ids_of_now(source, blocked))


def _with_ids_of_now(source: Connection, blocked: pd.DataFrame) -> pd.DataFrame:
    """With the ids of `league`; what is given back goes back to whom it had come from, whatever `league` says since."""
    found = reader.with_stripe_ids(source, blocked)
    is_return = found["billing_type"].isin(RETURN_TYPES)
    for current, known in zip(_IDS, _KNOWN, strict=True):
        found[current] = found[current].mask(is_return, found[known])
    return found


def _moving(blocked: pd.DataFrame) -> pd.DataFrame:
    """The blocked instructions that become pending, or held for a reason that they do not have yet."""
    blocked = blocked.assign(approval_above_minor=_limits_not_approved(blocked))
    why = why_held(blocked)
    is_free, is_held = why["reason_code"].isna(), blocked["status"] == "held"
    has_changed, asks = _changed_in_league(blocked), why["reason_code"] == ReasonCode.APPROVAL_REQUIRED
    asks = asks.fillna(value=False)
    would_continue = (blocked["is_due"] == "t") | has_changed
    becomes_held = ~is_free & (would_continue | blocked["hold_details"].notna())
    is_news = ~is_held | (why.fillna("") != blocked[_REASON]).any(axis=1) | (asks & has_changed)
    status = is_free.map({True: Status.PENDING.value, False: Status.HELD.value})
    moved = blocked.assign(old_status=blocked["status"], status=status)
    moved[_REASON] = why.fillna(instructions.PENDING)
    # What is held keeps the ids that it was last tried with, or nobody would see that they have changed; what asks for
    # an approval shows those that it is asked for.
    for current, known in zip(_IDS, _KNOWN, strict=True):
        moved[current] = blocked[current].where(is_free | asks, blocked[known])
    is_moving = (is_free & would_continue) | (becomes_held & is_news)
    return moved.loc[is_moving, ["day", "id", "old_status", "status", *_REASON, *_IDS]]


def _limits_not_approved(blocked: pd.DataFrame) -> "pd.Series[int]":
    """The limit that each exceeds without an approval for the account that `league` has now."""
    approved = [
        payee_id in approved_for.split()
        for payee_id, approved_for in zip(payee_ids(blocked), blocked["approved_for"].fillna(""), strict=True)
    ]
    return blocked["approval_above_minor"].mask(pd.Series(approved, index=blocked.index))


def _changed_in_league(blocked: pd.DataFrame) -> "pd.Series[bool]":
    """Whose card, customer or account is another than the one that was last tried."""
    changed = pd.Series(data=False, index=blocked.index)
    for current, known in zip(_IDS, _KNOWN, strict=True):
        changed |= blocked[current].fillna("") != blocked[known].fillna("")
    return changed
