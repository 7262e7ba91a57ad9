"""Resumes instructions whose time has come, or whose cause was fixed in `league`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from payouts_pipeline.domain.billing import RETURN_TYPES
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.reasons import Reason, ReasonCode
from payouts_pipeline.domain.refusals import NO_TRANSFERS
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.failpoints import Failpoint, failpoint
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import instructions, payee_accounts
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.holds import payee_ids, why_held
from payouts_pipeline.ledger.locks import lock_payees

_REASON = list(instructions.PENDING)
_IDS = ["stripe_account_id", "stripe_customer_id", "stripe_payment_method_id"]
# What is held for these shows the ids that it is held for, and not those that it was last tried with.
_ABOUT_IDS = [
    ReasonCode.APPROVAL_REQUIRED,
    ReasonCode.DAY_APPROVAL_REQUIRED,
    ReasonCode.ACCOUNT_RESTS,
    ReasonCode.ACCOUNT_OF_ANOTHER,
]
NO_REST = timedelta(0)
_KNOWN = ["known_account_id", "known_customer_id", "known_payment_method_id"]


def resume(connection: Connection, source: Connection, day: date, actor: str, account_rest: timedelta = NO_REST) -> int:
    """Make instructions of the day pending again that can continue now; how many moved.

    A held one continues once nothing holds it any more; a waiting one when its time has come; a waiting or rejected
    one also as soon as the ids in `league` have changed, since that is a new card or account. What would continue but
    for a hold, a missing approval, or an account that is missing or may not be paid to, is held, with that as its
    reason. A Stripe account that is another than it was rests for ``account_rest``.
    """
    blocked = instructions.blocked(connection, day)
    if blocked.empty:
        return 0
    found = _seen(connection, _with_ids_of_now(source, blocked), account_rest)
    return _move(connection, _moving(connection, found), actor)


def _seen(connection: Connection, found: pd.DataFrame, account_rest: timedelta) -> pd.DataFrame:
    """The same, once it is noted which Stripe accounts `league` has."""
    if payee_accounts.unseen(connection, found):
        with connection.transaction():
            lock_payees(connection)
            payee_accounts.see(connection, found, account_rest)
    return found


@dataclass(frozen=True)
class Retried:
    """How many instructions continue, by day, and how many something else holds now."""

    pending: Mapping[date, int]
    held: int


def retry(
    connection: Connection,
    source: Connection,
    code: str,
    day: date | None,
    actor: str,
    reason: str,
    account_rest: timedelta = NO_REST,
) -> Retried:
    """Make what was refused with this code pending again, of a day or of all days; a hold is kept to all the same.

    Only what Stripe has definitely refused. Somebody may have paid it since, so Stripe is asked before it is sent.
    Raises PayoutsError where there is none.
    """
    blocked = instructions.blocked(connection, day)
    refused = blocked[blocked["status"].isin([Status.WAITING, Status.REJECTED])]
    chosen = refused[refused["reason_code"] == code]
    if chosen.empty:
        raise PayoutsError(_nothing_has(code, sorted(set(refused["reason_code"]))))
    found = _seen(connection, _with_ids_of_now(source, chosen.assign(is_due="t")), account_rest)
    return _bring_back(connection, found, Reason(ReasonCode.RETRIED, {"reason": reason}), actor)


def bring_back_payouts(
    connection: Connection, source: Connection, accounts: Collection[str], actor: str, account_rest: timedelta
) -> int:
    """Make payouts pending again that were refused while these Stripe accounts could not receive; how many."""
    blocked = instructions.blocked(connection, None)
    refused = blocked[(blocked["status"] == Status.REJECTED) & (blocked["reason_code"] == NO_TRANSFERS)]
    is_payout = ~refused["billing_type"].isin(RETURN_TYPES)
    chosen = refused[is_payout & refused["known_account_id"].isin(accounts)]
    if chosen.empty:
        return 0
    found = _seen(connection, _with_ids_of_now(source, chosen.assign(is_due="t")), account_rest)
    return sum(_bring_back(connection, found, Reason(ReasonCode.CAN_RECEIVE), actor).pending.values())


def _bring_back(connection: Connection, found: pd.DataFrame, reason: Reason, actor: str) -> Retried:
    """Move what was found to pending for this reason, or to held where something holds it."""
    moving = _moving(connection, found)
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
    return blocked if blocked.empty else _moving(connection, _with_ids_of_now(source, blocked))


def _with_ids_of_now(source: Connection, blocked: pd.DataFrame) -> pd.DataFrame:
    """With the ids of `league`; what is given back goes back to whom it had come from, whatever `league` says since."""
    found = reader.with_stripe_ids(source, blocked)
    is_return = found["billing_type"].isin(RETURN_TYPES)
    for current, known in zip(_IDS, _KNOWN, strict=True):
        found[current] = found[current].mask(is_return, found[known])
    return found


def _moving(connection: Connection, found: pd.DataFrame) -> pd.DataFrame:
    """The blocked instructions that become pending, or held for a reason that they do not have yet."""
    wanted = found.assign(approval_above_minor=_limits_not_approved(found))
    blocked = payee_accounts.with_holds(payee_accounts.held(connection), wanted)
    why = why_held(blocked)
    is_free, is_held = why["reason_code"].isna(), blocked["status"] == "held"
    has_changed, asks = _changed_in_league(blocked), why["reason_code"].isin(_ABOUT_IDS)
    would_continue = (blocked["is_due"] == "t") | has_changed
    becomes_held = ~is_free & (would_continue | blocked["hold_details"].notna())
    is_news = ~is_held | (why.fillna("") != blocked[_REASON]).any(axis=1) | (asks & has_changed)
    status = is_free.map({True: Status.PENDING.value, False: Status.HELD.value})
    moved = blocked.assign(old_status=blocked["status"], status=status)
    moved[_REASON] = why.fillna(instructions.PENDING)
    # What is held keeps the ids that it was last tried with, or nobody would see that they have changed.
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
