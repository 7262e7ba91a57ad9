"""A day's fees and shares: written as the difference to what is booked, in one transaction, totals asserted."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import pandas as pd

from payouts_pipeline.domain import currencies, frames
from payouts_pipeline.domain.billing import BillingSubject
from payouts_pipeline.domain.corrections import difference, parts, unbalanced
from payouts_pipeline.domain.fee_rows import FeeRows, fee_rows
from payouts_pipeline.domain.reasons import ReasonCode
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.bulk import copy_in, copy_out
from payouts_pipeline.ledger.database import Connection, scalar, sql
from payouts_pipeline.ledger.locks import lock_accounts_of_day

# What one charge can ask for.
_BOUNDS = currencies.minimum_charge_minor, currencies.maximum_minor
_HELD_OUT = frames.columns(ids="match_player_id match_id", texts="reason_code")


@dataclass(frozen=True)
class Booking:
    """What one materialisation of a day adds to the ledger; it has no parts where nothing has changed.

    Each part is a booking of its own: its id, and the fees that it writes.
    """

    lines: int
    parts: list[tuple[int, FeeRows]]


NOTHING = Booking(0, [])


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


def post(connection: Connection, day: date, splits: pd.DataFrame, actor: str) -> Booking:
    """Post what the splits (`frames.SPLITS`) of the day add to what is booked; under `locks.lock_day`.

    The accounts of the day are locked from then on, and what is in the table `charged` afterwards counts as in flight:
    the players whom the day's fees alone are charged for. Its fees are written by `write_fees`, with their charges.

    Raises PayoutsError, with nothing written, where the shares of a fee don't add up to the fee.
    """
    digest = frames.digest(splits)
    lines = _new_lines(connection, day, splits, digest)
    _require_balanced(lines, day)
    if not len(lines):
        lock_accounts_of_day(connection, day)
        return NOTHING
    is_first = not scalar(connection, sql("has_fees"), {"day": day})
    made = [(_insert_booking(connection, day, actor), part) for part in parts(lines)]
    rows = [(booking_id, fee_rows(part)) for booking_id, part in made]
    _insert_allocations(connection, [each.allocations for _, each in rows])
    _post(connection, day, made, may_charge=is_first and len(made) == 1)
    return Booking(len(lines), rows)


def _new_lines(connection: Connection, day: date, splits: pd.DataFrame, digest: str) -> pd.DataFrame:
    """What the splits add; looked for only where they are others than those that the day was booked from."""
    if scalar(connection, sql("splits_digest"), {"day": day}) == digest:
        return frames.empty(frames.LINES)
    connection.execute(sql("keep_splits_digest"), {"day": day, "digest": digest})
    _replace_held_out(connection, day, splits)
    good = splits[splits["held_out_code"].isna()]
    return difference(good[list(frames.LINES)], booked_lines(connection, day))


def _insert_allocations(connection: Connection, allocations: list[pd.DataFrame]) -> None:
    """Those of all parts in one statement, which has them in order: part by part, two corrections could deadlock."""
    needed = pd.concat(allocations).drop_duplicates("id")
    connection.execute(sql("insert_allocations"), {"allocations": needed.to_json(orient="records")})


def _insert_booking(connection: Connection, day: date, actor: str) -> int:
    return int(scalar(connection, sql("insert_booking"), {"day": day, "actor": actor}))


def write_fees(connection: Connection, day: date, booking: Booking, charges: pd.DataFrame) -> None:
    """Write the fees of a booking, each with the charge that covers it already.

    Charges: player_id, currency, charge_id; a player without one is left to `instructions.charges_due`.
    """
    for booking_id, rows in booking.parts:
        fees = rows.fees.assign(
            booking_id=booking_id,
            day=day,
            allocation_id=rows.allocations["id"].astype(frames.TEXT).take(rows.allocation_no).array,
        )
        if len(charges):
            fees = fees.merge(charges, on=["player_id", "currency"], how="left")
        copy_in(connection, "payouts.fees", fees)


def _require_balanced(lines: pd.DataFrame, day: date) -> None:
    """The last look before money is asked for; a failed check of Dagster stops only its own run."""
    fees = unbalanced(lines)
    if len(fees):
        raise PayoutsError(
            f"The shares of {len(fees)} fees of {day} do not add up to the fee (the first is match player "
            f"{fees[0]}): nothing was booked. Materialise 'splits' of that day again."
        )


def _post(connection: Connection, day: date, made: list[tuple[int, pd.DataFrame]], *, may_charge: bool) -> None:
    """Entries and accounts of bookings."""
    connection.execute(sql("create_postings"))
    for booking_id, lines in made:
        copy_in(connection, "postings", _postings(booking_id, lines, may_charge=may_charge))
    connection.execute(sql("create_opened"))
    connection.execute(sql("open_accounts"))
    connection.execute(sql("count_postings"))
    connection.execute(sql("lock_players_of_booking"), {"day": day})
    connection.execute(sql("lock_payees"))
    connection.execute(sql("find_charged"), {"carried_over": ReasonCode.CARRIED_OVER})
    connection.execute(sql("add_booked"))
    connection.execute(sql("post_entries"))


def _postings(booking_id: int, lines: pd.DataFrame, *, may_charge: bool) -> pd.DataFrame:
    """The lines added up by account, as entries: a debit for what a player owes, a credit for what a payee is owed.

    ``charge_minor`` is what a player can be charged for the booking alone.
    """
    account = ["billing_subject", "subject_id", "currency"]
    number, first = frames.numbered(lines, account)
    amount = pd.Series(lines["amount_minor"].to_numpy("int64")).groupby(number).sum()
    sums = lines[account].take(first).reset_index(drop=True)
    is_player = sums["billing_subject"] == BillingSubject.PLAYER
    lowest, highest = (sums["currency"].map(of).astype(frames.ID) for of in _BOUNDS)
    chargeable = is_player & (amount >= lowest) & (amount <= highest) & may_charge
    return sums.assign(
        booking_id=booking_id,
        amount_minor=amount.where(is_player, -amount),
        charge_minor=amount.astype(frames.ID).where(chargeable, pd.NA),
    )


def _replace_held_out(connection: Connection, day: date, splits: pd.DataFrame) -> None:
    """Keep the list of fees that can't be split as the splits have it; write only where it differs."""
    wanted = held_out_of(splits)
    if not wanted.equals(held_out(connection, day)):
        connection.execute(sql("clear_held_out"), {"day": day})
        copy_in(connection, "payouts.held_out", wanted.assign(day=day))


def held_out_of(splits: pd.DataFrame) -> pd.DataFrame:
    """Those of the splits that can't be booked, in the columns and the order of `held_out`."""
    found = splits[splits["held_out_code"].notna()].rename(columns={"held_out_code": "reason_code"})
    return frames.conform(found, _HELD_OUT).sort_values(list(_HELD_OUT), ignore_index=True)


def held_out(connection: Connection, day: date) -> pd.DataFrame:
    """The fees of a day that were held out when it was last booked: match_player_id, match_id, reason_code."""
    return copy_out(connection, sql("held_out_of_day"), {"day": day}, _HELD_OUT)


def booked_lines(connection: Connection, day: date) -> pd.DataFrame:
    """What is booked of a day, each line (`frames.LINES`) added up."""
    return copy_out(connection, sql("booked_lines"), {"day": day}, frames.LINES)


def booked_states(connection: Connection, first_day: date, last_day: date) -> dict[date, str]:
    """The booked days of a period, each with a text that changes with what is booked or held out of it."""
    period = {"first_day": first_day, "last_day": last_day}
    return dict(connection.execute(sql("booked_states"), period).fetchall())


def days_never_booked(connection: Connection, first_day: date, last_day: date, timezone: ZoneInfo) -> list[date]:
    """The days of a period that were never booked, from the day before the installation's first run on."""
    period = {"first_day": first_day, "last_day": last_day, "timezone": timezone.key}
    return [day for (day,) in connection.execute(sql("days_never_booked"), period)]
