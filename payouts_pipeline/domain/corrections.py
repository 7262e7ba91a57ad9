"""What a day that is booked again still has to book: the difference, never an edit (rule of money 5)."""

import pandas as pd

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.billing import BillingSubject


def difference(wanted: pd.DataFrame, booked: pd.DataFrame) -> pd.DataFrame:
    """The lines (`frames.LINES`) that turn what is booked into what is wanted; none where they agree.

    Lines may repeat in either frame; what counts is the sum of each line. A line that is no longer wanted
    comes out with its amount reversed.
    """
    reversed_lines = booked.assign(amount_minor=-booked["amount_minor"])
    lines = pd.concat([wanted, reversed_lines], ignore_index=True) if len(booked) else wanted
    sums = lines.groupby(frames.LINE_KEY, as_index=False, sort=True)["amount_minor"].sum()
    return frames.conform(sums[sums["amount_minor"] != 0].reset_index(drop=True), frames.LINES)


def unbalanced(lines: pd.DataFrame) -> list[int]:
    """The match players whose shares don't add up to their fee in every currency (rule of money 1)."""
    is_fee = lines["billing_subject"] == BillingSubject.PLAYER
    signed = lines["amount_minor"].where(is_fee, -lines["amount_minor"])
    keys = [lines[name] for name in ("match_player_id", "player_id", "currency")]
    sums = signed.groupby(keys).sum()
    return [int(match_player_id) for match_player_id, *_ in sums.index[sums != 0]]
