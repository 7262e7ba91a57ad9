"""What a day that is booked again still has to book: the difference, never an edit (rule of money 5)."""

import pandas as pd

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.billing import BillingSubject

_FEE_KEY = ["match_id", "match_player_id", "player_id", "currency"]


def difference(wanted: pd.DataFrame, booked: pd.DataFrame) -> pd.DataFrame:
    """The lines (`frames.LINES`) that turn what is booked into what is wanted; none where they agree.

    Lines may repeat in either frame; what counts is the sum of each line. A line that is no longer wanted
    comes out with its amount reversed.
    """
    reversed_lines = booked.assign(amount_minor=-booked["amount_minor"])
    lines = pd.concat([wanted, reversed_lines], ignore_index=True) if len(booked) else wanted
    sums = lines.groupby(frames.LINE_KEY, as_index=False, sort=True)["amount_minor"].sum()
    return frames.conform(sums[sums["amount_minor"] != 0].reset_index(drop=True), frames.LINES)


def parts(lines: pd.DataFrame) -> list[pd.DataFrame]:
    """The lines of a booking in the parts that are booked in turn; mostly there is just one.

    Where a fee rises while some of its shares fall, what was collected is divided anew first, and the rise comes
    second. Else the payee that got too much would be paid on until the rise is collected, which may be never.
    """
    is_fee = lines["billing_subject"] == BillingSubject.PLAYER
    fee = [lines[name] for name in _FEE_KEY]
    shares = lines["amount_minor"].mask(is_fee, 0)
    is_rising = lines["amount_minor"].where(is_fee, 0).groupby(fee).transform("sum") > 0
    falling = (-shares.clip(upper=0)).groupby(fee).transform("sum").where(is_rising, 0)
    rising = shares.clip(lower=0)
    # The falling shares pay for the first of the rising ones; what these get beyond that is the rise.
    paid_before = rising.groupby(fee).cumsum() - rising
    divided_anew = (falling - paid_before).clip(lower=0, upper=rising)
    divided_anew = divided_anew.mask((shares < 0) & is_rising, shares)
    amounts = [divided_anew, lines["amount_minor"] - divided_anew]
    found = [lines.assign(amount_minor=amount)[amount != 0] for amount in amounts]
    return [frames.conform(part.reset_index(drop=True), frames.LINES) for part in found if len(part)]


def unbalanced(lines: pd.DataFrame) -> list[int]:
    """The match players whose shares don't add up to their fee in every currency (rule of money 1)."""
    is_fee = lines["billing_subject"] == BillingSubject.PLAYER
    signed = lines["amount_minor"].where(is_fee, -lines["amount_minor"])
    keys = [lines[name] for name in ("match_player_id", "player_id", "currency")]
    sums = signed.groupby(keys).sum()
    return [int(match_player_id) for match_player_id, *_ in sums.index[sums != 0]]
