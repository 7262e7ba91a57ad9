"""What must hold of the ledger after a day was moved forward: the figures behind the asset checks."""

from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd

from payouts_pipeline.domain.billing import PAYOUT_TYPES, BillingSubject, BillingType
from payouts_pipeline.domain.checks import Finding, totals
from payouts_pipeline.ledger import status
from payouts_pipeline.ledger.audit import Audit, Violation, audit_of_run
from payouts_pipeline.ledger.database import Connection

_NAMED = 10


def check_booking(connection: Connection, day: date, splits: pd.DataFrame) -> list[Finding]:
    """Booked = split, the ledger sums to zero, and which charges are open."""
    return [
        _booked_equals_split(connection, day, splits),
        _ledger_sums_to_zero(audit_of_run(connection, day, only=["ledger"])),
        _all_settled(connection, day, "every_charge_settled", [BillingType.PLAYER_CHARGE]),
    ]


def check_settlement(connection: Connection, day: date) -> list[Finding]:
    """What the auditor says of the day, accounts and uncollected fees by name; and which payouts are open."""
    found = audit_of_run(connection, day)
    return [
        _accounts_agree(found),
        _nobody_paid_early(found),
        _ledger_sums_to_zero(found),
        _audit(found),
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


def _ledger_sums_to_zero(found: Audit) -> Finding:
    wrong = found.of("ledger")
    description = (
        "The ledger sums to zero in every currency."
        if not wrong
        else "The ledger does not sum to zero: entries were changed by hand. Stop and restore them before paying on."
    )
    return _finding("ledger_sums_to_zero", wrong, description)


def _accounts_agree(found: Audit) -> Finding:
    wrong = found.of("accounts", "settled", "bookings", "entries")
    description = (
        "For every account of the day: booked = settled + in flight + open, as its entries and instructions say."
        if not wrong
        else f"{len(wrong)} figures differ from what entries and instructions add up to. Stop and look at these before "
        "paying on."
    )
    return _finding("instructions_equal_account_movements", wrong, description)


def _nobody_paid_early(found: Audit) -> Finding:
    wrong = found.of("collected", "payouts")
    description = (
        "Every payout is of shares whose fees were collected."
        if not wrong
        else f"{len(wrong)} payouts, or shares to be paid, are of fees that were not collected. Stop and look at these "
        "before paying on."
    )
    return _finding("nobody_paid_from_uncollected_fees", wrong, description)


def _audit(found: Audit) -> Finding:
    wrong = found.errors
    description = (
        f"The auditor recomputed {found.lines} lines, {found.instructions} instructions and {found.accounts} accounts, "
        "and all rules of money hold."
        if not wrong
        else f"The auditor found {len(wrong)} violations of the rules of money. Stop and run 'payouts verify' before "
        "paying on."
    )
    return _finding("audit", wrong, description)


def _finding(check: str, wrong: Sequence[Violation], description: str) -> Finding:
    named = [f"rule {each.rule}: {each.kind} {each.id}: {each.detail}" for each in wrong[:_NAMED]]
    return Finding(check, not wrong, description, figures={"violations": len(wrong), "first": named})


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
