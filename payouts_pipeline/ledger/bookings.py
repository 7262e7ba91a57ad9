"""A day's fees and shares: written as the difference to what is booked, in one transaction, totals asserted."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import pandas as pd

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.corrections import difference, parts, unbalanced
from payouts_pipeline.domain.fee_rows import fee_rows
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.bulk import copy_in, copy_out
from payouts_pipeline.ledger.database import Connection, scalar, sql
from payouts_pipeline.ledger.locks import lock_accounts_of_day

_HELD_OUT = frames.columns(ids="match_player_id match_id", texts="reason_code")


@dataclass(frozen=True)
class Booking:
    """What one materialisation of a day added to the ledger; the id is None where nothing had changed."""

    id: int | None
    lines: int


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


def book(connection: Connection, day: date, splits: pd.DataFrame, actor: str) -> Booking:
    """Book what the splits (`frames.SPLITS`) of the day add to what is booked; under `locks.lock_day`.

    Raises PayoutsError, with nothing written, where the shares of a fee don't add up to the fee.
    """
    _replace_held_out(connection, day, splits)
    good = splits[splits["held_out_code"].isna()]
    lines = difference(good[list(frames.LINES)], booked_lines(connection, day))
    _require_balanced(lines, day)
    ids = [_insert_part(connection, day, part, actor) for part in parts(lines)] if len(lines) else []
    if ids:
        _post(connection, day, ids)
    return Booking(ids[0] if ids else None, len(lines))


def _insert_part(connection: Connection, day: date, lines: pd.DataFrame, actor: str) -> int:
    """A booking of its own for these lines, not posted yet; its id."""
    booking_id = int(scalar(connection, sql("insert_booking"), {"day": day, "actor": actor}))
    rows = fee_rows(lines)
    connection.execute(sql("insert_allocations"), {"allocations": rows.allocations.to_json(orient="records")})
    # Sorted as the primary key is: unsorted rows take three times as long.
    fees = rows.fees.sort_values(["match_player_id", "match_id", "player_id", "currency"])
    copy_in(connection, "payouts.fees", fees.assign(booking_id=booking_id, day=day))
    return booking_id


def _require_balanced(lines: pd.DataFrame, day: date) -> None:
    """The last look before money is asked for; a failed check of Dagster stops only its own run."""
    fees = unbalanced(lines)
    if len(fees):
        raise PayoutsError(
            f"The shares of {len(fees)} fees of {day} do not add up to the fee (the first is match player "
            f"{fees[0]}): nothing was booked. Materialise 'splits' of that day again."
        )


def _post(connection: Connection, day: date, booking_ids: list[int]) -> None:
    """Entries and accounts of bookings, whose accounts are locked from then on."""
    parameters = {"day": day, "booking_ids": booking_ids}
    connection.execute(sql("sum_booking"), parameters)
    connection.execute(sql("create_opened"))
    connection.execute(sql("open_accounts"))
    lock_accounts_of_day(connection, day)
    connection.execute(sql("add_booked"))
    connection.execute(sql("post_entries"))


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
