"""What must hold of a day's fees and splits before money is asked for, each with figures and what to do.

A finding is what an asset check shows of a day: it passed or not, a sentence, and figures: counts, and amounts, ids or
reasons that JSON can say. How bad a failure is, and what it is for, the catalogue of checks says (`defs`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from payouts_pipeline.domain.billing import BillingSubject
from payouts_pipeline.domain.reasons import HELD_OUT

# How many ids a finding names; the rest is a count.
NAMED = 10

_NO_FEES = "The day has no fees: no match was played."


@dataclass(frozen=True)
class Finding:
    """What one check says of one day."""

    passed: bool
    description: str
    figures: Mapping[str, object] = field(default_factory=dict)


def each_fee_once(fees: pd.DataFrame) -> Finding:
    """Whether the snapshot has each fee once, by line-up row and by match and player."""
    twice = fees[fees.duplicated("match_player_id") | fees.duplicated(["match_id", "player_id"])]
    if twice.empty:
        description = f"Each of the {len(fees)} fees is in the snapshot once." if len(fees) else _NO_FEES
    else:
        description = (
            f"{_fees(twice, 'is', 'are')} in the snapshot twice: a view of schema 'league' joins too much, or a "
            "line-up names a player twice. Nothing is booked until that is fixed."
        )
    figures = {"fees": len(fees), "fees_twice": len(twice), "match_player_ids": _ids(twice)}
    return Finding(twice.empty, description, figures)


def every_fee_has_terms(fees: pd.DataFrame) -> Finding:
    """Whether there is one set of terms for every fee."""
    without = fees[fees["terms_count"] != 1]
    competitions = sorted({int(c) for c in without["competition_id"].dropna()})
    if without.empty:
        description = f"Every one of the {len(fees)} fees has terms." if len(fees) else _NO_FEES
    else:
        description = (
            f"{_fees(without, 'has', 'have')} no terms, or two for one date, so that nobody is charged. "
            "Correct the fee structures of these competitions and materialise the day again."
        )
    figures = {
        "fees": len(fees),
        "fees_without_terms": len(without),
        "competition_ids": competitions[:NAMED],
        "match_player_ids": _ids(without),
    }
    return Finding(without.empty, description, figures)


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


def shares_equal_fees(fees: pd.DataFrame, splits: pd.DataFrame) -> Finding:
    """Whether every fee was split or held out, and its shares add up to it."""
    is_fee = splits["billing_subject"] == BillingSubject.PLAYER
    signed = splits["amount_minor"].where(is_fee, -splits["amount_minor"])
    sums = signed.groupby(splits["match_player_id"]).sum()
    wrong = [int(match_player_id) for match_player_id in sums.index[sums != 0]]
    missing = len(set(fees["match_player_id"]) ^ set(splits["match_player_id"]))
    passed = not wrong and not missing
    description = (
        (
            "The shares of every fee add up to the fee, and so do the totals of every currency."
            if len(fees)
            else _NO_FEES
        )
        if passed
        else f"The shares of {len(wrong)} fees do not add up to the fee, and {missing} fees are not in both tables. "
        "Nothing is booked: materialise 'matches' and 'splits' of the day again."
    )
    figures = {
        "fees_minor": totals(splits[is_fee]),
        "shares_minor": totals(splits[~is_fee]),
        "wrong": len(wrong),
        "match_player_ids": wrong[:NAMED],
        "fees_not_in_both": missing,
    }
    return Finding(passed, description, figures)


def no_negative_share(splits: pd.DataFrame) -> Finding:
    """Whether all fees and shares are zero or more."""
    negative = splits[splits["amount_minor"] < 0]
    description = (
        "No fee and no share is negative."
        if negative.empty
        else f"{len(negative)} fees or shares are negative. Nothing is booked: correct the fee structures."
    )
    figures = {"negative": len(negative), "match_player_ids": _ids(negative)}
    return Finding(negative.empty, description, figures)


def no_fee_held_out(splits: pd.DataFrame) -> Finding:
    """Whether every fee could be split; where not, how many are held out for which reason."""
    held_out = splits[splits["held_out_code"].notna()]
    codes = held_out["held_out_code"]
    description = (
        "Every fee could be split."
        if codes.empty
        else f"{_fees(held_out, 'is', 'are')} held out, so that nobody is charged. Fix the cause in schema "
        "'league' and materialise the day again."
    )
    figures = {
        "held_out": len(codes),
        "reasons": {HELD_OUT[str(code)]: int(count) for code, count in codes.value_counts().items()},
        "match_player_ids": _ids(held_out),
    }
    return Finding(codes.empty, description, figures)


def totals(lines: pd.DataFrame, column: str = "amount_minor") -> dict[str, int]:
    """Minor units by currency."""
    sums = lines.dropna(subset="currency").groupby("currency")[column].sum()
    return {str(currency): int(amount_minor) for currency, amount_minor in sums.items()}


def _fees(rows: pd.DataFrame, one: str, many: str) -> str:
    """``1 fee is``, ``2 fees are``."""
    return f"1 fee {one}" if len(rows) == 1 else f"{len(rows):,} fees {many}"


def _ids(rows: pd.DataFrame) -> list[int]:
    return [int(i) for i in rows["match_player_id"].dropna().unique()[:NAMED]]
