"""A day's fees and shares: written as the difference to what is booked, in one transaction, totals asserted.

The day comes batch by batch, and its new fees wait in a temporary table until their charges have names: what is held
here does not grow with the day.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from psycopg import Rollback

from payouts_pipeline.domain import currencies, frames
from payouts_pipeline.domain.batches import Batches, Bounded, Digest
from payouts_pipeline.domain.billing import BillingSubject
from payouts_pipeline.domain.change_limits import ChangeLimit, Verdict
from payouts_pipeline.domain.corrections import difference, parts, wanted_lines
from payouts_pipeline.domain.fee_rows import ByFee, fee_rows
from payouts_pipeline.domain.reasons import HeldOutCode, ReasonCode
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import proposals
from payouts_pipeline.ledger.bulk import ahead, copy_in, copy_out
from payouts_pipeline.ledger.database import Connection, scalar, sql
from payouts_pipeline.ledger.locks import lock_accounts_of_day

NO_LIMIT = ChangeLimit()

# What one charge can ask for.
_CURRENCIES = sorted(currencies.KNOWN)
_BOUNDS = {
    "currencies": _CURRENCIES,
    "lowest_minor": [currencies.minimum_charge_minor(currency) for currency in _CURRENCIES],
    "highest_minor": [currencies.maximum_minor(currency) for currency in _CURRENCIES],
}
_HELD_OUT = frames.columns(ids="match_player_id match_id", texts="reason_code")


def keep_timezone(connection: Connection, timezone: str) -> None:
    """Note the timezone that the ledger is booked in; raises PayoutsError where it is another one already.

    It decides whose midnight ends a day: in another one the same day has other matches, and booking it undoes these.
    """
    parameters = {"timezone": timezone}
    # What another first booking has noted while the statement waited for it, only the next statement sees.
    kept = scalar(connection, sql("keep_timezone"), parameters) or scalar(connection, sql("keep_timezone"), parameters)
    if kept != timezone:
        raise PayoutsError(
            f"PAYOUTS_TIMEZONE is {timezone}, but the ledger is booked in {kept}: set PAYOUTS_TIMEZONE={kept}."
        )


def post(connection: Connection, day: date, splits: Batches, actor: str, limit: ChangeLimit = NO_LIMIT) -> int:
    """Post what the splits (`frames.SPLITS`) of the day add to what is booked, under `locks.lock_day`; how many lines.

    The accounts of the day are locked from then on, and what is in the table `charged` afterwards counts as in flight:
    the players whom the day's fees alone are charged for. Its fees are written by `write_fees`, with their charges.

    What changes more than the ``limit`` is not posted, and proposed instead. Raises PayoutsError, with nothing written,
    where the shares of a fee don't add up to the fee.
    """
    digest, is_first = Digest(), not scalar(connection, sql("has_fees"), {"day": day})
    kept = scalar(connection, sql("splits_digest"), {"day": day})
    if kept and kept == Digest.of(splits):
        proposals.close(connection, day)
        lock_accounts_of_day(connection, day)
        return 0
    connection.execute(sql("have_memory"))
    new, verdict = _collected(connection, day, splits.map(digest.add), digest, limit, actor)
    if verdict:
        proposals.propose(connection, day, digest.text, verdict, actor)
        lock_accounts_of_day(connection, day)
        return 0
    proposals.close(connection, day)
    # Made of what was compared just now: a file may be replaced between two readings.
    noted = {"day": day, "digest": digest.text, "on_another_day": HeldOutCode.BOOKED_ON_ANOTHER_DAY}
    connection.execute(sql("keep_splits_digest"), noted)
    _replace_held_out(connection, day)
    if new.lines:
        new.insert_allocations()
        _post(connection, day, may_charge=is_first and len(new.bookings) == 1)
    else:
        lock_accounts_of_day(connection, day)
    return new.lines


def _collected(
    connection: Connection, day: date, splits: Batches, digest: Digest, limit: ChangeLimit, actor: str
) -> "tuple[_NewFees, Verdict | None]":
    """The fees that the day has anew, in the table `new_fees`; nothing of them where they must wait, and why."""
    with connection.transaction() as collecting:
        new = _NewFees(connection, day, actor)
        for lines in new_lines(connection, day, splits):
            new.add(lines)
        new.require_balanced()
        verdict = proposals.why_not(connection, day, digest.text, limit) if new.lines else None
        if verdict:
            raise Rollback(collecting)
    return new, verdict


def new_lines(connection: Connection, day: date, splits: Batches) -> Iterator[pd.DataFrame]:
    """The lines (`frames.LINES`) that the splits add to what is booked, batch by batch; in a transaction.

    What the splits hold out stands in the table `new_held_out` afterwards.
    """
    connection.execute(sql("create_new_held_out"))
    has_fees = scalar(connection, sql("has_fees"), {"day": day})
    if has_fees:
        connection.execute(sql("collect_booked"), {"day": day})
        connection.execute(sql("index_booked"))
    for batch in ahead(splits.bounded()):
        booked = _booked(connection, batch) if has_fees else frames.empty(frames.LINES)
        lines = _without_booked_elsewhere(connection, day, batch.frame)
        is_held_out = lines["held_out_code"].notna()
        if is_held_out.any():
            copy_in(connection, "new_held_out", _held_out(lines[is_held_out]))
        yield difference(wanted_lines(lines, booked), booked)


def _without_booked_elsewhere(connection: Connection, day: date, lines: pd.DataFrame) -> pd.DataFrame:
    """The lines of splits, of which those are held out whose match another day has booked.

    A match that was moved is booked here once that day is materialised, and so taken back there.
    """
    matches = {"day": day, "match_ids": lines["match_id"].dropna().unique().tolist()}
    elsewhere = [match_id for (match_id,) in connection.execute(sql("booked_elsewhere"), matches)]
    if not elsewhere:
        return lines
    is_elsewhere = lines["match_id"].isin(elsewhere) & lines["held_out_code"].isna()
    held_out = lines.assign(
        held_out_code=lines["held_out_code"].mask(is_elsewhere, HeldOutCode.BOOKED_ON_ANOTHER_DAY.value)
    )
    return held_out[~is_elsewhere | (held_out["billing_subject"] == BillingSubject.PLAYER)]


def _booked(connection: Connection, batch: Bounded) -> pd.DataFrame:
    """What is booked of the matches of a batch, each line (`frames.LINES`) added up."""
    return copy_out(connection, sql("booked_lines"), {"after": batch.after, "up_to": batch.up_to}, frames.LINES)


def _held_out(lines: pd.DataFrame) -> pd.DataFrame:
    return frames.conform(lines.rename(columns={"held_out_code": "reason_code"}), _HELD_OUT)


def differs(connection: Connection, day: date, splits: Batches) -> bool:
    """Whether booking the splits would add a line, or hold out another fee or for another reason."""
    with connection.transaction():
        has_new = any(len(lines) for lines in new_lines(connection, day, splits))
        return has_new or bool(scalar(connection, sql("held_out_differs"), {"day": day}))


def _replace_held_out(connection: Connection, day: date) -> None:
    """Keep the list of fees that can't be split as the splits have it; write only where it differs."""
    if scalar(connection, sql("held_out_differs"), {"day": day}):
        connection.execute(sql("clear_held_out"), {"day": day})
        connection.execute(sql("insert_held_out"), {"day": day})


class _NewFees:
    """The fees that a booking adds, collected in the table `new_fees`; and how they are divided.

    Mostly there is one booking. A fee that is booked in parts has each in a booking of its own, in their order.
    """

    def __init__(self, connection: Connection, day: date, actor: str) -> None:
        self._connection, self._day, self._actor = connection, day, actor
        self.lines = 0
        self.bookings: list[int] = []
        self._allocations: dict[str, Mapping[Any, Any]] = {}
        self._unbalanced = 0
        self._first_unbalanced: int | None = None

    def add(self, lines: pd.DataFrame) -> None:
        """Collect the fees of the lines, each whole."""
        if not len(lines):
            return
        by_fee = ByFee.of(lines)
        wrong = by_fee.unbalanced
        if wrong and not self._unbalanced:
            self._first_unbalanced = wrong[0]
        self._unbalanced += len(wrong)
        self.lines += len(lines)
        if self._unbalanced:
            # Nothing of the day will be booked.
            return
        for number, part in enumerate([by_fee] if by_fee.is_plain else map(ByFee.of, parts(lines))):
            self._collect(self._booking(number), part)

    def _booking(self, number: int) -> int:
        """The id of the first booking, the second, ...; made when the first fee is in it."""
        if not self.bookings:
            self._connection.execute(sql("create_new_fees"))
        if number == len(self.bookings):
            parameters = {"day": self._day, "actor": self._actor}
            self.bookings.append(int(scalar(self._connection, sql("insert_booking"), parameters)))
        return self.bookings[number]

    def _collect(self, booking_id: int, part: ByFee) -> None:
        rows = fee_rows(part)
        allocation_id = rows.allocations["id"].astype(frames.TEXT).take(rows.allocation_no).array
        copy_in(self._connection, "new_fees", rows.fees.assign(booking_id=booking_id, allocation_id=allocation_id))
        self._allocations |= {row["id"]: row for row in rows.allocations.to_dict("records")}

    def require_balanced(self) -> None:
        """The last look before money is asked for; a failed check of Dagster stops only its own run."""
        if self._unbalanced:
            raise PayoutsError(
                f"The shares of {self._unbalanced} fees of {self._day} do not add up to the fee (the first is match "
                f"player {self._first_unbalanced}): nothing was booked. Materialise 'splits' of that day again."
            )

    def insert_allocations(self) -> None:
        """Those of all fees in one statement, which has them in order: else two corrections could deadlock."""
        rows = json.dumps(list(self._allocations.values()))
        self._connection.execute(sql("insert_allocations"), {"allocations": rows})


def write_fees(connection: Connection, day: date) -> None:
    """Write the fees that were posted, each with the charge in the table `charges` that covers it already.

    A player without one is left to `instructions.charges_due`.
    """
    connection.execute(sql("write_fees"), {"day": day})


def _post(connection: Connection, day: date, *, may_charge: bool) -> None:
    """Entries and accounts of what is in `new_fees`."""
    connection.execute(sql("create_postings"))
    connection.execute(sql("sum_postings"), {**_BOUNDS, "may_charge": may_charge})
    connection.execute(sql("create_opened"))
    connection.execute(sql("open_accounts"))
    connection.execute(sql("count_postings"))
    connection.execute(sql("lock_players_of_booking"), {"day": day})
    connection.execute(sql("lock_payees"))
    connection.execute(sql("create_charged"))
    connection.execute(sql("find_charged"), {"carried_over": ReasonCode.CARRIED_OVER})
    connection.execute(sql("count_charged"))
    connection.execute(sql("add_booked"))
    connection.execute(sql("post_entries"))


def booked_states(connection: Connection, first_day: date, last_day: date) -> dict[date, str]:
    """The booked days of a period, each with a text that changes with what is booked or held out of it."""
    period = {"first_day": first_day, "last_day": last_day, "on_another_day": HeldOutCode.BOOKED_ON_ANOTHER_DAY}
    return dict(connection.execute(sql("booked_states"), period).fetchall())


def days_never_booked(connection: Connection, first_day: date, last_day: date, timezone: ZoneInfo) -> list[date]:
    """The days of a period that were never booked, from the day before the installation's first run on."""
    period = {"first_day": first_day, "last_day": last_day, "timezone": timezone.key}
    return [day for (day,) in connection.execute(sql("days_never_booked"), period)]
