"""What must hold of the ledger after a day was moved forward: the figures behind the asset checks."""

from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd

from payouts_pipeline.domain.billing import PAYOUT_TYPES, BillingSubject, BillingType
from payouts_pipeline.domain.checks import Finding, totals
from payouts_pipeline.ledger import status
from payouts_pipeline.ledger.database import Connection, sql

_NAMED = 10


def check_booking(connection: Connection, day: date, splits: pd.DataFrame) -> list[Finding]:
    """Booked = split, the ledger sums to zero, and which charges are open."""
    return [
        _booked_equals_split(connection, day, splits),
        _ledger_sums_to_zero(connection),
        _all_settled(connection, day, "every_charge_settled", [BillingType.PLAYER_CHARGE]),
    ]


def check_settlement(connection: Connection, day: date) -> list[Finding]:
    """Accounts agree with their movements, nobody is paid early, and which payouts are open."""
    return [
        _accounts_agree(connection, day),
        _nobody_paid_early(connection, day),
        _ledger_sums_to_zero(connection),
        _all_settled(connection, day, "every_payout_settled", PAYOUT_TYPES),
    ]


def _booked_equals_split(connection: Connection, day: date, splits: pd.DataFrame) -> Finding:
    booked = {
        f"{subject} {currency}": amount
        for currency, amounts in status.booked_totals(connection, day).items()
        for subject, amount in amounts.items()
        if amount
    }
    split = {
        f"{subject} {currency}": amount
        for subject in BillingSubject
        for currency, amount in totals(splits[splits["billing_subject"] == subject]).items()
        if amount
    }
    passed = booked == split
    description = (
        "What is booked equals what was split, for every billing subject and currency."
        if passed
        else "What is booked differs from what was split. Materialise the day again; if it stays, the ledger was "
        "changed by hand: compare payouts.bookings with the figures."
    )
    return Finding("booked_equals_split", passed, description, figures={"booked_minor": booked, "split_minor": split})


def _ledger_sums_to_zero(connection: Connection) -> Finding:
    wrong: dict[str, int] = dict(connection.execute(sql("check_ledger_sum")).fetchall())
    description = (
        "The ledger sums to zero in every currency."
        if not wrong
        else "The ledger does not sum to zero: entries were changed by hand. Stop and restore them before paying on."
    )
    return Finding("ledger_sums_to_zero", not wrong, description, figures={"difference_minor": wrong})


def _accounts_agree(connection: Connection, day: date) -> Finding:
    wrong = connection.execute(sql("check_accounts"), {"day": day}).fetchall()
    description = (
        "For every account of the day: booked = settled + in flight + open, as its entries and instructions say."
        if not wrong
        else f"{len(wrong)} accounts differ from what their entries and instructions add up to. Stop and look "
        "at these accounts before paying on."
    )
    figures = {"accounts_wrong": len(wrong), "account_ids": [row[0] for row in wrong[:_NAMED]]}
    return Finding("instructions_equal_account_movements", not wrong, description, figures=figures)


def _nobody_paid_early(connection: Connection, day: date) -> Finding:
    wrong = connection.execute(sql("check_paid_early"), {"day": day}).fetchall()
    description = (
        "Every payout is of shares whose fees were collected."
        if not wrong
        else f"{len(wrong)} accounts have payouts, or shares to be paid, of fees that were not collected. Stop and "
        "look at these accounts before paying on."
    )
    figures = {"accounts_wrong": len(wrong), "account_ids": [row[0] for row in wrong[:_NAMED]]}
    return Finding("nobody_paid_from_uncollected_fees", not wrong, description, figures=figures)


def _all_settled(connection: Connection, day: date, check: str, kinds: Sequence[BillingType]) -> Finding:
    lines = [line for line in status.day_status(connection, day).instructions if line.billing_type in kinds]
    still_open = [line for line in lines if line.status not in ("settled", "cancelled")]
    figures: Mapping[str, object] = {
        "settled": sum(line.count for line in lines if line.status == "settled"),
        "open": sum(line.count for line in still_open if line.status != "open"),
        "reasons": sorted({f"{line.status}: {line.reason}" for line in still_open}),
    }
    description = (
        "All of the day's instructions are settled."
        if not still_open
        else "Not all is settled; the reasons say what it waits for. What needs no person goes on by itself when "
        "the day is materialised again."
    )
    return Finding(check, not still_open, description, is_error=False, figures=figures)
