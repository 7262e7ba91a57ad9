"""The lines of a booking as the ledger keeps them: one row for each fee, which names how it is divided.

Fees of equal terms are divided alike, so that a day has few allocations and a ledger hardly ever needs a new one.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.billing import SHARE_ORDER, BillingSubject

FEE_KEY = ["match_id", "match_player_id", "player_id", "currency"]
# What a row names itself: an allocation says only which part is the club's or the organiser's.
NAMED = {BillingSubject.CLUB: "club_id", BillingSubject.ORGANISER: "organiser_id"}


Numbers: TypeAlias = "np.ndarray[Any, Any]"


@dataclass(frozen=True)
class FeeRows:
    """Rows of fees (`FEE_KEY`, amount_minor, allocation_id, club_id, organiser_id), and the allocations that they name.

    An allocation: id, amount_minor, lines as the text of a jsonb, which Postgres spells in the same way.
    """

    fees: pd.DataFrame
    allocations: pd.DataFrame


def fee_rows(lines: pd.DataFrame) -> FeeRows:
    """The fees and allocations of lines (`frames.LINES`) in which no fee has two clubs or two organisers."""
    shares = lines[lines["billing_subject"] != BillingSubject.PLAYER]
    fee_no = shares.groupby(FEE_KEY, sort=False).ngroup().to_numpy()
    fees = shares.loc[~shares.duplicated(FEE_KEY), FEE_KEY].reset_index(drop=True)
    amounts = shares["amount_minor"].to_numpy("int64")
    fees["amount_minor"] = _sums(fee_no, amounts, len(fees))
    for subject, column in NAMED.items():
        fees[column] = _named(shares, fee_no, subject, len(fees))
    partner = shares["subject_id"].where(shares["billing_subject"] == BillingSubject.PARTNER, 0)
    parts = pd.DataFrame({"billing_subject": shares["billing_subject"], "partner_id": partner, "amount_minor": amounts})
    allocation_no, first_fees = _divided_alike(parts, fee_no, len(fees))
    allocations = _allocations(parts, fee_no, first_fees)
    fees["allocation_id"] = allocations["id"].to_numpy()[allocation_no]
    return FeeRows(fees, allocations)


def _sums(group: Numbers, values: Numbers, groups: int) -> Numbers:
    sums = np.zeros(groups, values.dtype)
    np.add.at(sums, group, values)
    return sums


def _named(shares: pd.DataFrame, fee_no: Numbers, subject: BillingSubject, fees: int) -> "pd.Series[int]":
    """The club or the organiser of each fee; missing where it has no part for one."""
    is_subject = (shares["billing_subject"] == subject).to_numpy(bool)
    found = pd.Series(pd.NA, index=range(fees), dtype=frames.ID)
    found.iloc[fee_no[is_subject]] = shares["subject_id"].to_numpy("int64")[is_subject]
    return found


def _divided_alike(parts: pd.DataFrame, fee_no: Numbers, fees: int) -> tuple[Numbers, Numbers]:
    """The number of each fee's allocation, and the first fee of each allocation.

    Fees are divided alike where they have the same parts. Each kind of part gets two random numbers of 64 bits, and the
    sums of a fee's tell its parts from all others: by chance once in 10^38 pairs.
    """
    kind = parts.groupby(list(parts.columns), sort=False).ngroup().to_numpy()
    numbers = np.random.default_rng(0).integers(0, 2**64, (kind.max() + 1, 2), np.uint64, endpoint=False)
    signs = np.stack([_sums(fee_no, numbers[kind, side], fees) for side in (0, 1)], axis=1)
    _, first_fees, allocation_no = np.unique(signs, axis=0, return_index=True, return_inverse=True)
    return allocation_no.ravel(), first_fees


def _allocations(parts: pd.DataFrame, fee_no: Numbers, first_fees: Numbers) -> pd.DataFrame:
    """How the first fee of each allocation is divided, in the order of ``first_fees``."""
    of_firsts = parts[np.isin(fee_no, first_fees)].assign(fee_no=fee_no[np.isin(fee_no, first_fees)])
    by_fee: dict[Any, tuple[int, str]] = {number: _lines(group) for number, group in of_firsts.groupby("fee_no")}
    made = [by_fee[number] for number in first_fees]
    return pd.DataFrame(
        {
            "id": [hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for _, text in made],
            "amount_minor": [amount for amount, _ in made],
            "lines": [text for _, text in made],
        }
    )


def _lines(parts: pd.DataFrame) -> tuple[int, str]:
    """Amount and text of one allocation."""
    rows = zip(parts["billing_subject"], parts["partner_id"], parts["amount_minor"], strict=True)
    lines = [(BillingSubject(subject), int(partner), int(amount)) for subject, partner, amount in rows]
    lines.sort(key=lambda line: (SHARE_ORDER.index(line[0]), line[1]))
    return sum(amount for _, _, amount in lines), json.dumps(lines)
