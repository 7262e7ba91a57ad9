"""The sample season as DataFrames, one for each table of schema `league`."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from payouts_pipeline.local.season import catalogue, matchday, people, terms

_ID, _TEXT = "int64", "string"
# A missing id must not turn its column into floats.
_ID_OR_NONE = "Int64"

# In the order in which foreign keys let them be loaded.
COLUMNS: dict[str, dict[str, str]] = {
    "organisers": {"id": _ID, "name": _TEXT, "stripe_account_id": _TEXT},
    "clubs": {"id": _ID, "name": _TEXT, "stripe_account_id": _TEXT},
    "partners": {"id": _ID, "name": _TEXT, "stripe_account_id": _TEXT},
    "players": {
        "id": _ID,
        "name": _TEXT,
        "club_id": _ID,
        "stripe_customer_id": _TEXT,
        "stripe_payment_method_id": _TEXT,
    },
    "competitions": {"id": _ID, "name": _TEXT, "organiser_id": _ID},
    "fee_structures": {
        "id": _ID,
        "competition_id": _ID,
        "effective_from": "date32[day][pyarrow]",
        "currency": _TEXT,
        "fee_minor": _ID,
    },
    "fee_shares": {
        "fee_structure_id": _ID,
        "billing_subject": _TEXT,
        "partner_id": _ID_OR_NONE,
        "fixed_minor": _ID,
        "share_bps": _ID,
    },
    "matches": {
        "id": _ID,
        "competition_id": _ID,
        "kicked_off_at": "datetime64[us, UTC]",
        "status": _TEXT,
    },
    "match_players": {"id": _ID, "match_id": _ID, "player_id": _ID, "club_id": _ID_OR_NONE},
}

Frames = dict[str, pd.DataFrame]


def season_frames(first_day: date, last_day: date, timezone: str) -> Frames:
    """Make everything that schema `league` holds for the days from `first_day` to `last_day`, both included.

    A pure function. Matches and line-ups of a day depend on its date alone, terms on the calendar; just the
    terms of the Newcomer Cup count from `first_day`. `timezone` is an IANA name.
    """
    return reference_frames(first_day, last_day) | match_frames(first_day, last_day, timezone)


def reference_frames(first_day: date, last_day: date) -> Frames:
    """Make the tables that do not grow with each day: who there is, and the terms between these days."""
    return {
        "organisers": _frame("organisers", people.organiser_rows()),
        "clubs": _frame("clubs", people.club_rows()),
        "partners": _frame("partners", people.partner_rows()),
        "players": _frame("players", people.player_rows()),
        "competitions": _frame("competitions", [(c.id, c.name, c.organiser_id) for c in catalogue.COMPETITIONS]),
        "fee_structures": _frame("fee_structures", terms.structure_rows(first_day, last_day)),
        "fee_shares": _frame("fee_shares", terms.share_rows(first_day, last_day)),
    }


def match_frames(first_day: date, last_day: date, timezone: str) -> Frames:
    """Make the matches and line-ups of these days; none if `last_day` is before `first_day`."""
    zone = ZoneInfo(timezone)
    count = (last_day - first_day).days + 1
    days = [matchday.match_day(first_day + timedelta(days=n), zone) for n in range(count)]
    return {
        "matches": _frame("matches", [row for day in days for row in day.matches]),
        "match_players": _frame("match_players", [row for day in days for row in day.match_players]),
    }


def _frame(table: str, rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    columns = COLUMNS[table]
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)
