"""What must hold of the ledger and the queues after a day was moved forward: the figures behind the asset checks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from psycopg.rows import class_row

from payouts_pipeline.domain.anomaly import days_to_compare, fees_in_usual_band
from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.billing import BillingSubject, BillingType
from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.domain.findings import NAMED, Finding, totals
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.reasons import WithReason
from payouts_pipeline.ledger import proposals
from payouts_pipeline.ledger.bookings import new_lines
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports import status
from payouts_pipeline.reports.audit import Audit, Violation
from payouts_pipeline.reports.queries import sql

# By then a card has had all of its retries, the last nine days after the first; what is still open waits for somebody.
_OVERDUE = timedelta(days=10)

_UNKNOWN_FOR_LONG_H = 24

_OPEN = [each for each in Status if each not in (Status.SETTLED, Status.CANCELLED)]


@dataclass(frozen=True, kw_only=True)
class _Named(WithReason):
    """An instruction that a check names."""

    id: str

    @property
    def named(self) -> dict[str, object]:
        """As the figures of a finding have it."""
        return {"id": self.id, "billing_type": self.billing_type, "status": self.status, "reason": self.reason}


@dataclass(frozen=True, kw_only=True)
class _Counted(_Named):
    total: int


@dataclass(frozen=True, kw_only=True)
class Overdue(_Named):
    """An instruction of a day that has been open for too long."""

    day: date
    age_days: int


@dataclass(frozen=True, kw_only=True)
class _Unknown(_Named):
    """An instruction whose outcome is not known since its attempt was first sent."""

    age_hours: int


def booked_equals_split(connection: Connection, day: date, splits: Batches) -> Finding:
    """Whether the ledger has booked what was split, by billing subject and currency."""
    booked = {
        f"{subject} {currency}": amount
        for currency, amounts in status.booked_totals(connection, day).items()
        for subject, amount in amounts.items()
        if amount
    }
    split = Counter[str]()
    for lines in splits.only("billing_subject", "currency", "amount_minor"):
        for subject in BillingSubject:
            sums = totals(lines[lines["billing_subject"] == subject])
            split.update({f"{subject} {currency}": amount for currency, amount in sums.items() if amount})
    waits = proposals.find(connection, day)
    # What another day has booked, or `league` has forgotten since, is booked otherwise than it is split, and rightly.
    otherwise = [] if waits or booked == split else _booked_otherwise(connection, day, splits)
    passed = not otherwise
    description = (
        f"The change of the day is not booked: {waits.reason}."
        if waits
        else "What is booked equals what was split, for every billing subject and currency."
        if booked == split
        else "What is booked is what the day has to book of what was split: the rest is held out or was booked before."
        if passed
        else "What is booked differs from what was split. Materialise the day again; if it stays, the ledger was "
        "changed by hand: compare payouts.bookings with the figures."
    )
    figures: dict[str, object] = {"booked_minor": booked, "split_minor": dict(split)}
    if not passed:
        figures["match_player_ids"] = otherwise
    return Finding(passed, description, figures)


def _booked_otherwise(connection: Connection, day: date, splits: Batches) -> list[int]:
    """The first of the fees that are booked in another way than they were split."""
    found: list[int] = []
    with connection.transaction():
        for lines in new_lines(connection, day, splits):
            found += [int(match_player_id) for match_player_id in lines["match_player_id"].unique()]
            if len(found) >= NAMED:
                break
    return found[:NAMED]


def no_change_waits(connection: Connection, day: date) -> Finding:
    """Whether nothing of the day waits for a person to accept it (rule of money 15)."""
    waits = proposals.find(connection, day)
    if waits is None:
        return Finding(passed=True, description="No change of the day waits for a person.")
    what_to_do = (
        "It is accepted: materialise the day, and it is booked."
        if waits.is_accepted
        else f"Is it right? 'payouts accept {day} --reason …', and materialise the day again. If not, correct league."
    )
    return Finding(
        passed=False, description=f"A change waits: {waits.reason}. {what_to_do}", figures=dict(waits.details)
    )


def fees_usual(connection: Connection, day: date) -> Finding:
    """Whether the booked fees are about as high as on the same weekday of the weeks before."""
    by_day: dict[date, dict[str, int]] = {}
    for of_day, currency, amount_minor in connection.execute(
        sql("fees_by_day"), {"days": [day, *days_to_compare(day)]}
    ):
        by_day.setdefault(of_day, {})[currency] = amount_minor
    return fees_in_usual_band(day, by_day.pop(day, {}), by_day)


def ledger_sums_to_zero(found: Audit) -> Finding:
    """Whether every debit has its credit (rule of money 7)."""
    wrong = found.of("ledger")
    description = (
        "The ledger sums to zero in every currency."
        if not wrong
        else "The ledger does not sum to zero: entries were changed by hand. Stop and restore them before paying on."
    )
    return _finding(wrong, description)


def accounts_agree(found: Audit) -> Finding:
    """Whether booked = settled + in flight + open for every account of the day (rule of money 7)."""
    wrong = found.of("accounts", "settled", "bookings", "entries")
    description = (
        "For every account of the day: booked = settled + in flight + open, as its entries and instructions say."
        if not wrong
        else f"{len(wrong)} figures differ from what entries and instructions add up to. Stop and look at these before "
        "paying on."
    )
    return _finding(wrong, description)


def nobody_paid_early(found: Audit) -> Finding:
    """Whether only shares of collected fees were paid (rule of money 2)."""
    wrong = found.of("collected", "payouts")
    description = (
        "Every payout is of shares whose fees were collected."
        if not wrong
        else f"{len(wrong)} payouts, or shares to be paid, are of fees that were not collected. Stop and look at these "
        "before paying on."
    )
    return _finding(wrong, description)


def all_rules_hold(found: Audit) -> Finding:
    """Whether the auditor found no violation at all."""
    wrong = found.errors
    description = (
        f"The auditor recomputed {found.lines} lines, {found.instructions} instructions and {found.accounts} accounts, "
        "and all rules of money hold."
        if not wrong
        else f"The auditor found {len(wrong)} violations of the rules of money. Stop and run 'payouts verify' before "
        "paying on."
    )
    return _finding(wrong, description)


def _finding(wrong: Sequence[Violation], description: str) -> Finding:
    named = [f"rule {each.rule}: {each.kind} {each.id}: {each.detail}" for each in wrong[:NAMED]]
    return Finding(not wrong, description, {"violations": len(wrong), "first": named})


def all_settled(connection: Connection, day: date, kinds: Sequence[BillingType]) -> Finding:
    """Whether the day's instructions of these billing types are settled; where not, which wait for what."""
    lines = [line for line in status.day_status(connection, day).instructions if line.billing_type in kinds]
    still_open = [line for line in lines if line.status not in ("settled", "cancelled")]
    figures: Mapping[str, object] = {
        "settled": sum(line.count for line in lines if line.status == "settled"),
        "open": sum(line.count for line in still_open if line.status != "open"),
        "open_minor": _amounts(still_open),
        "reasons": sorted({f"{line.status}: {line.reason}" for line in still_open}),
        "instructions": _named(connection, day, kinds, _OPEN)[1] if still_open else [],
    }
    return Finding(not still_open, _what_is_open(lines, still_open), figures)


def _what_is_open(lines: Sequence[status.Line], still_open: Sequence[status.Line]) -> str:
    """What a check says where everything settled, and where not, with each reason and how often it is one."""
    if not still_open:
        return "All of the day's instructions are settled." if lines else "There is nothing to settle on this day."
    reasons = [
        f"{line.count} {line.status} ({format_minor(line.amount_minor, line.currency)}): {line.reason}"
        for line in still_open[:NAMED]
    ]
    return (
        f"Not everything is settled: {'; '.join(reasons)}. What needs no person continues automatically, or when the "
        "day is materialised again."
    )


def _amounts(lines: Sequence[status.Line]) -> dict[str, int]:
    amounts: dict[str, int] = {}
    for line in lines:
        amounts[line.currency] = amounts.get(line.currency, 0) + line.amount_minor
    return amounts


def none_unknown(connection: Connection, day: date) -> Finding:
    """Whether the outcome of every attempt of the day is known; for how long it is not."""
    with connection.cursor(row_factory=class_row(_Unknown)) as cursor:
        unknown = cursor.execute(sql("unknown_instructions"), {"day": day}).fetchall()
    old = sum(each.age_hours >= _UNKNOWN_FOR_LONG_H for each in unknown)
    description = (
        "The outcome of every call at Stripe is known."
        if not unknown
        else f"The outcome of {len(unknown)} instructions is not known, of {old} for more than a day: the money may "
        "have moved. Stripe is asked again automatically; never pay or charge these by other means. Look up what "
        "stays unknown for more than a day in Stripe's dashboard by the instruction's id, and say what became of it: "
        "'payouts resolve'."
    )
    named = [{**each.named, "age_hours": each.age_hours} for each in unknown[:NAMED]]
    return Finding(
        not unknown, description, {"unknown": len(unknown), "for_more_than_a_day": old, "instructions": named}
    )


def overdue_instructions(connection: Connection, days: Sequence[date]) -> list[Overdue]:
    """What is open for too long of these days and all days before them."""
    if not days:
        return []
    with connection.cursor(row_factory=class_row(Overdue)) as cursor:
        return cursor.execute(sql("overdue_instructions"), {"last_day": max(days), "age": _OVERDUE}).fetchall()


def none_overdue(day: date, overdue_of_run: Sequence[Overdue]) -> Finding:
    """Whether nothing of the day or an earlier one is open for too long."""
    overdue = [each for each in overdue_of_run if each.day <= day]
    description = (
        f"No instruction of this day or an earlier one is open for more than {_OVERDUE.days} days."
        if not overdue
        else f"{len(overdue)} instructions of this day and earlier ones are open for more than {_OVERDUE.days} days: "
        "time alone will not settle them. See their reasons: fix the data in schema 'league', lift the hold or "
        "approve the amount of what is held, or cancel what is not to be paid."
    )
    named = [{**each.named, "age_days": each.age_days} for each in overdue[:NAMED]]
    figures = {"overdue": len(overdue), "instructions": named}
    return Finding(not overdue, description, figures)


def no_dead_letters(counts: Mapping[BillingType, int] | Exception) -> Finding:
    """Whether the dead-letter queues are empty now, of whatever day the messages are.

    Where they can't be asked that is the finding: it is no reason to end a run whose money has moved.
    """
    if isinstance(counts, Exception):
        return Finding(False, f"The dead-letter queues could not be asked. {counts}")
    dead = {str(billing_type): number for billing_type, number in counts.items() if number}
    description = (
        "The dead-letter queues are empty."
        if not dead
        else f"{sum(dead.values())} messages have died ({', '.join(f'{name}: {n}' for name, n in dead.items())}). "
        "'payouts redrive --dry-run' says why, and 'payouts redrive' brings back those whose cause is fixed. No money "
        "is lost: what is open is published again when its day is materialised."
    )
    return Finding(not dead, description, {"dead_letters": dead})


def _named(
    connection: Connection, day: date, kinds: Sequence[BillingType], statuses: Sequence[Status]
) -> tuple[int, list[dict[str, object]]]:
    """How many of a day's instructions are in these statuses, and the first of them by id, with their reasons."""
    parameters = {"day": day, "billing_types": list(kinds), "statuses": list(statuses), "limit": NAMED}
    with connection.cursor(row_factory=class_row(_Counted)) as cursor:
        found = cursor.execute(sql("name_instructions"), parameters).fetchall()
    return (found[0].total if found else 0), [each.named for each in found]
