"""The columns of the DataFrames that pass between the assets.

Money is int64 in minor units. Ids may be missing (a club that is not known), so they are Arrow integers, in
which a missing value does not turn the column into floats.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

ID = pd.ArrowDtype(pa.int64())
TEXT = pd.ArrowDtype(pa.string())
FLAG = pd.ArrowDtype(pa.bool_())

# One number for each row.
Numbers: TypeAlias = "np.ndarray[Any, Any]"

# One row for each fee of the day. `shares_json` are the rows of league.fee_shares that apply to it.
MATCHES: dict[str, pd.ArrowDtype] = {
    "match_player_id": ID,
    "match_id": ID,
    "competition_id": ID,
    "organiser_id": ID,
    "player_id": ID,
    "club_id": ID,
    "club_is_named": FLAG,
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
    "club_is_named": FLAG,
    "held_out_code": TEXT,
}

# One row for each line of Stripe's journal of the day; times are texts, in UTC.
ACTIVITY: dict[str, pd.ArrowDtype] = {
    "transaction_id": TEXT,
    "type": TEXT,
    "category": TEXT,
    "amount_minor": ID,
    "fee_minor": ID,
    "net_minor": ID,
    "currency": TEXT,
    "created_at": TEXT,
    "available_on": TEXT,
    "source_id": TEXT,
    "movement_id": TEXT,
    "assigned_to": TEXT,
    "instruction_id": TEXT,
    "why": TEXT,
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


def series(values: pa.Array) -> "pd.Series[Any]":
    """An Arrow array as a column."""
    return pd.Series(pd.arrays.ArrowExtensionArray(values))


def numbered(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[Numbers, Numbers]:
    """Rows that are equal in these columns get the same number, from 0; and the first row of each number.

    A missing value is equal to a missing one. A column at a time, as numbers: comparing rows as texts takes ten times
    as long.
    """
    number = np.zeros(len(frame), "int64")
    for column in columns:
        codes, values = pd.factorize(frame[column])
        number, _ = pd.factorize(number * (len(values) + 1) + codes + 1)
    return number, np.flatnonzero(~pd.Series(number).duplicated().to_numpy())


def is_increasing(frame: pd.DataFrame, *, strictly: bool = True) -> bool:
    """Whether each row comes after the one before (or is the same), by these columns of numbers, none missing."""
    is_after, is_same = np.zeros(max(len(frame) - 1, 0), bool), np.ones(max(len(frame) - 1, 0), bool)
    for name in frame:
        values = frame[name].to_numpy("int64")
        is_after |= is_same & (values[:-1] < values[1:])
        is_same &= values[:-1] == values[1:]
    return bool((is_after if strictly else is_after | is_same).all())


def digest(frame: pd.DataFrame) -> str:
    """A text that is another one for another frame; of equal frames it is the same where they were made in one way."""
    table = pa.Table.from_pandas(frame, preserve_index=False).combine_chunks()
    made = hashlib.sha256(repr((table.num_rows, table.schema.names, table.schema.types)).encode())
    for chunk in (chunk for column in table.columns for chunk in column.chunks):
        # A part of a longer frame has the buffers of the whole: where it begins tells it from the others.
        made.update(chunk.offset.to_bytes(8, "big"))
        for buffer in filter(None, chunk.buffers()):
            made.update(buffer.size.to_bytes(8, "big"))
            made.update(buffer)
    return made.hexdigest()
