"""The two transactions that move a day forward, each all or nothing and safe to repeat any number of times."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.change_limits import ChangeLimit
from payouts_pipeline.domain.limits import NO_LIMITS, Limits
from payouts_pipeline.failpoints import Failpoint, failpoint
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import bookings, cancellations, holds, instructions, returns
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.locks import lock_accounts_of_day, lock_day
from payouts_pipeline.ledger.releases import release_collected_fees
from payouts_pipeline.workflow.resume import resume


@dataclass(frozen=True)
class Progress:
    """What a phase changed: lines booked, instructions made or resumed, fees whose shares were released."""

    fee_components: int = 0
    instructions: int = 0
    fees_released: int = 0


def open_charges(
    connection: Connection,
    source: Connection,
    day: date,
    splits: Batches,
    actor: str,
    limits: Limits = NO_LIMITS,
    timezone: str | None = None,
    change_limit: ChangeLimit = bookings.NO_LIMIT,
) -> Progress:
    """Book the day and make its charges.

    What a credit pays for is released before the charges are made, so that nobody is charged for it. What changes the
    day beyond the limit is proposed, and the day stands as it was booked. Raises PayoutsError where the ledger is
    booked in another ``timezone``.
    """
    resuming = resume(connection, source, day, actor, limits.account_rest)
    with failpoint(Failpoint.BOOK_DAY), connection.transaction():
        if timezone:
            bookings.keep_timezone(connection, timezone)
        lock_day(connection, day)
        lines = bookings.post(connection, day, splits, actor, change_limit)
        at_once = _charge_at_once(connection, source, day, limits.approval_above_minor, actor) if lines else 0
        cancellations.cancel_charges(connection, day, actor)
        released = release_collected_fees(connection, day, actor)
        due = (reader.with_stripe_ids(source, page) for page in instructions.charges_due(connection, day))
        made = instructions.make_charges(connection, day, due, limits.approval_above_minor, actor)
    return Progress(lines, resuming + at_once + made, released)


def _charge_at_once(
    connection: Connection, source: Connection, day: date, approval_above_minor: Mapping[str, int], actor: str
) -> int:
    """Write the fees of a booking; those of players who owe nothing else with their charges. How many charges."""
    charged = (reader.with_stripe_ids(source, page) for page in instructions.charges_at_once(connection))
    made = instructions.make_charges_at_once(connection, day, charged, approval_above_minor, actor)
    bookings.write_fees(connection, day)
    return made


def open_payouts(
    connection: Connection,
    source: Connection,
    day: date,
    minimums_minor: Mapping[str, int],
    actor: str,
    limits: Limits = NO_LIMITS,
) -> Progress:
    """Release what was collected and make the payouts of it."""
    resuming = resume(connection, source, day, actor, limits.account_rest)
    with failpoint(Failpoint.RELEASE_DAY), connection.transaction():
        lock_day(connection, day)
        lock_accounts_of_day(connection, day)
        released = release_collected_fees(connection, day, actor)
        cancelled = cancellations.cancel_payouts(connection, day, actor)
        resuming += holds.hold_payouts(connection, day, actor)
        payable = instructions.payouts_due(connection, day, minimums_minor, cancelled)
        due = (reader.with_stripe_ids(source, page) for page in payable)
        made = instructions.make_payouts(connection, day, due, limits, actor)
        if made:
            returns.require_funds(connection)
    return Progress(instructions=resuming + made, fees_released=released)
