"""What must hold of a day's fees and splits before money is asked for, each with figures and what to do.

A finding is what an asset check shows of a day: it passed or not, a sentence, and figures: counts, and amounts, ids or
reasons that JSON can say. How bad a failure is, and what it is for, the catalogue of checks says (`defs`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from payouts_pipeline.domain.batches import Batches, standing_twice
from payouts_pipeline.domain.billing import BillingSubject
from payouts_pipeline.domain.frames import Numbers
from payouts_pipeline.domain.reasons import HELD_OUT

# How many ids a finding names; the rest is a count.
NAMED = 10

# Stands for a missing id.
_NO_ID = -(2**63)

_NO_FEES = "The day has no fees: no match was played."


@dataclass(frozen=True)
class Finding:
    """What one check says of one day."""

    passed: bool
    description: str
    figures: Mapping[str, object] = field(default_factory=dict)


class _Named:
    """How many rows a check names, and the ids of the first."""

    def __init__(self) -> None:
        self.count = 0
        self.ids: list[int] = []

    def add(self, rows: pd.DataFrame) -> None:
        """Count rows in."""
        self.count += len(rows)
        if len(rows) and len(self.ids) < NAMED:
            found = map(int, rows["match_player_id"].dropna().unique()[:NAMED])
            self.ids = list(dict.fromkeys([*self.ids, *found]))[:NAMED]

    def say(self, one: str, many: str) -> str:
        """``1 fee is``, ``2 fees are``."""
        return f"1 fee {one}" if self.count == 1 else f"{self.count:,} fees {many}"


def each_fee_once(fees: Batches) -> Finding:
    """Whether the snapshot has each fee once, by line-up row and by match and player."""
    count, twice, seen, ids_twice = 0, _Named(), set[Any](), standing_twice(fees, "match_player_id")
    for rows in fees.only("match_player_id", "match_id", "player_id"):
        count += len(rows)
        row_id = rows["match_player_id"]
        is_again = row_id.duplicated() | row_id.isin(seen) | rows.duplicated(["match_id", "player_id"])
        twice.add(rows[is_again])
        seen |= set(row_id[row_id.isna() | row_id.isin(ids_twice)])
    if not twice.count:
        description = f"Each of the {count} fees is in the snapshot once." if count else _NO_FEES
    else:
        description = (
            f"{twice.say('is', 'are')} in the snapshot twice: a view of schema 'league' joins too much, or a "
            "line-up names a player twice. Nothing is booked until that is fixed."
        )
    figures = {"fees": count, "fees_twice": twice.count, "match_player_ids": twice.ids}
    return Finding(not twice.count, description, figures)


def every_fee_has_terms(fees: Batches) -> Finding:
    """Whether there is one set of terms for every fee."""
    count, without, found = 0, _Named(), set[int]()
    for rows in fees.only("match_player_id", "competition_id", "terms_count"):
        count += len(rows)
        lacking = rows[rows["terms_count"] != 1]
        without.add(lacking)
        found |= set(map(int, lacking["competition_id"].dropna().unique()))
    competitions = sorted(found)
    if not without.count:
        description = f"Every one of the {count} fees has terms." if count else _NO_FEES
    else:
        description = (
            f"{without.say('has', 'have')} no terms, or two for one date or with one id, so that nobody is charged. "
            "Correct the fee structures of these competitions and materialise the day again."
        )
    figures = {
        "fees": count,
        "fees_without_terms": without.count,
        "competition_ids": competitions[:NAMED],
        "match_player_ids": without.ids,
    }
    return Finding(not without.count, description, figures)


def every_match_has_line_up(without: pd.DataFrame) -> Finding:
    """Whether every match that was played has a line-up; ``without`` are those that have none (match, competition)."""
    competitions = sorted({int(c) for c in without["competition_id"].dropna()})
    description = (
        "Every match that was played has a line-up."
        if without.empty
        else f"{len(without)} played matches of {len(competitions)} competitions have no line-up, so that nobody is "
        "charged or paid for them. Ask the organisers for the line-ups, and materialise the day again once they are "
        "in league.match_players."
    )
    figures = {
        "matches_without_line_up": len(without),
        "competition_ids": competitions[:NAMED],
        "match_ids": [int(match_id) for match_id in without["match_id"][:NAMED]],
    }
    return Finding(without.empty, description, figures)


def shares_equal_fees(fees: Batches, splits: Batches) -> Finding:
    """Whether every fee was split or held out, and its shares add up to it."""
    owed, shared, wrong = Counter[str](), Counter[str](), _Named()
    for lines in splits.only("match_player_id", "billing_subject", "currency", "amount_minor"):
        is_fee = lines["billing_subject"] == BillingSubject.PLAYER
        owed.update(totals(lines[is_fee]))
        shared.update(totals(lines[~is_fee]))
        signed = lines["amount_minor"].where(is_fee, -lines["amount_minor"])
        sums = signed.groupby(lines["match_player_id"]).sum().reset_index()
        wrong.add(sums[sums["amount_minor"] != 0])
    fee_ids = _ids(fees)
    missing = len(np.setxor1d(fee_ids, _ids(splits), assume_unique=True))
    passed = not wrong.count and not missing
    description = (
        (
            "The shares of every fee add up to the fee, and so do the totals of every currency."
            if len(fee_ids)
            else _NO_FEES
        )
        if passed
        else f"The shares of {wrong.count} fees do not add up to the fee, and {missing} fees are not in both tables. "
        "Nothing is booked: materialise 'matches' and 'splits' of the day again."
    )
    figures = {
        "fees_minor": dict(sorted(owed.items())),
        "shares_minor": dict(sorted(shared.items())),
        "wrong": wrong.count,
        "match_player_ids": wrong.ids,
        "fees_not_in_both": missing,
    }
    return Finding(passed, description, figures)


def _ids(batches: Batches) -> Numbers:
    """The line-up rows of a day, each once and in order; those without an id are one more."""
    column = "match_player_id"
    found = [np.unique(rows[column].fillna(_NO_ID).to_numpy("int64")) for rows in batches.only(column)]
    return np.unique(np.concatenate(found))


def no_negative_share(splits: Batches) -> Finding:
    """Whether all fees and shares are zero or more."""
    negative = _Named()
    for lines in splits.only("match_player_id", "amount_minor"):
        negative.add(lines[lines["amount_minor"] < 0])
    description = (
        f"{negative.count} fees or shares are negative. Nothing is booked: correct the fee structures."
        if negative.count
        else "No fee and no share is negative."
    )
    return Finding(not negative.count, description, {"negative": negative.count, "match_player_ids": negative.ids})


def no_fee_held_out(splits: Batches) -> Finding:
    """Whether every fee could be split; where not, how many are held out for which reason."""
    held_out, codes = _Named(), Counter[str]()
    for lines in splits.only("match_player_id", "held_out_code"):
        found = lines[lines["held_out_code"].notna()]
        held_out.add(found)
        codes.update(map(str, found["held_out_code"]))
    description = (
        f"{held_out.say('is', 'are')} held out, so that nobody is charged. Fix the cause in schema "
        "'league' and materialise the day again."
        if held_out.count
        else "Every fee could be split."
    )
    figures = {
        "held_out": held_out.count,
        "reasons": {HELD_OUT[code]: count for code, count in codes.most_common()},
        "match_player_ids": held_out.ids,
    }
    return Finding(not held_out.count, description, figures)


def totals(lines: pd.DataFrame, column: str = "amount_minor") -> dict[str, int]:
    """Minor units by currency."""
    sums = lines.dropna(subset="currency").groupby("currency")[column].sum()
    return {str(currency): int(amount_minor) for currency, amount_minor in sums.items()}
