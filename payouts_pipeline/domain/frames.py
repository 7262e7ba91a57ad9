"""The columns of the DataFrames that pass between the assets.

Money is int64 in minor units. Ids may be missing (a club that is not known), so they are Arrow integers, in
which a missing value does not turn the column into floats.
"""

import pandas as pd
import pyarrow as pa

ID = pd.ArrowDtype(pa.int64())
TEXT = pd.ArrowDtype(pa.string())

# One row for each fee of the day. `shares_json` are the rows of league.fee_shares that apply to it.
MATCHES: dict[str, pd.ArrowDtype] = {
    "match_player_id": ID,
    "match_id": ID,
    "competition_id": ID,
    "organiser_id": ID,
    "player_id": ID,
    "club_id": ID,
    "fee_structure_id": ID,
    "terms_count": ID,
    "currency": TEXT,
    "fee_minor": ID,
    "shares_json": TEXT,
}

# One line for each fee (billing subject `player`: what is owed) and for each of its shares. A fee that is held
# out has just its player line, with the code of why (`reasons.HeldOutCode`).
SPLITS: dict[str, pd.ArrowDtype] = {
    "match_id": ID,
    "match_player_id": ID,
    "player_id": ID,
    "billing_subject": TEXT,
    "subject_id": ID,
    "currency": TEXT,
    "amount_minor": ID,
    "held_out_code": TEXT,
}

# What makes two lines of different bookings the same line: only amounts of the same line are compared.
LINE_KEY = ["match_id", "match_player_id", "player_id", "billing_subject", "subject_id", "currency"]
LINES = {name: SPLITS[name] for name in [*LINE_KEY, "amount_minor"]}


def columns(*, ids: str = "", texts: str = "") -> dict[str, pd.ArrowDtype]:
    """The columns that a query gives, by type: numbers (ids, amounts) and texts."""
    return dict.fromkeys(ids.split(), ID) | dict.fromkeys(texts.split(), TEXT)


def conform(frame: pd.DataFrame, columns: dict[str, pd.ArrowDtype]) -> pd.DataFrame:
    """The frame with exactly these columns, in this order and of these types."""
    return frame[list(columns)].astype(columns)


def empty(columns: dict[str, pd.ArrowDtype]) -> pd.DataFrame:
    """No rows of these columns."""
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in columns.items()})
