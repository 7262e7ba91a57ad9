"""What a day that is booked again still has to book: the difference, never an edit (rule of money 5).

Whose the shares of a fee are was a fact when it was first booked (rule of money 15): a player who has changed clubs,
or a competition that another organiser has taken over since, moves none of them. A club that the line-up names does.
"""

import pandas as pd

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.billing import BillingSubject
from payouts_pipeline.domain.fee_rows import FEE_KEY, NAMED
from payouts_pipeline.domain.reasons import HeldOutCode

# Which fee it is, however it is priced and whichever row of the line-up it has.
_FEE = ["match_id", "player_id"]
# What `league` no longer knows of a fee that is booked, and need not.
_FORGOTTEN = [HeldOutCode.NO_CLUB.value, HeldOutCode.NO_ORGANISER.value]


def wanted_lines(splits: pd.DataFrame, booked: pd.DataFrame) -> pd.DataFrame:
    """The lines (`frames.LINES`) that the splits (`frames.SPLITS`) want, where these lines are booked.

    A fee that is booked keeps its organiser, and its club unless the line-up names one. It stays as it is where
    `league` now has no club or no organiser for it.
    """
    is_good = splits["held_out_code"].isna()
    good = splits[is_good]
    if not len(booked):
        return frames.conform(good, frames.LINES)
    named = booked[booked["billing_subject"].isin(list(NAMED))].drop_duplicates([*_FEE, "billing_subject"])
    found = good.merge(
        named[[*_FEE, "billing_subject", "subject_id"]], "left", [*_FEE, "billing_subject"], suffixes=("", "_booked")
    )
    is_named_now = (found["billing_subject"] == BillingSubject.CLUB) & found["club_is_named"]
    keeps = found["subject_id_booked"].notna() & ~is_named_now
    lines = found.assign(subject_id=found["subject_id"].mask(keeps, found["subject_id_booked"]))
    forgotten = splits.loc[splits["held_out_code"].isin(_FORGOTTEN), _FEE].drop_duplicates()
    return frames.conform(pd.concat([lines, booked.merge(forgotten, on=_FEE)], ignore_index=True), frames.LINES)


def difference(wanted: pd.DataFrame, booked: pd.DataFrame) -> pd.DataFrame:
    """The lines (`frames.LINES`) that turn what is booked into what is wanted; none where they agree.

    Lines may repeat in either frame; what counts is the sum of each line. A line that is no longer wanted
    comes out with its amount reversed.
    """
    if not len(booked) and _is_in_order(wanted):
        return frames.conform(wanted[wanted["amount_minor"] != 0].reset_index(drop=True), frames.LINES)
    reversed_lines = booked.assign(amount_minor=-booked["amount_minor"])
    lines = pd.concat([wanted, reversed_lines], ignore_index=True) if len(booked) else wanted
    sums = lines.groupby(frames.LINE_KEY, as_index=False, sort=True)["amount_minor"].sum()
    return frames.conform(sums[sums["amount_minor"] != 0].reset_index(drop=True), frames.LINES)


def _is_in_order(lines: pd.DataFrame) -> bool:
    """Whether the lines are sorted and none of them repeats; so they come from a split."""
    numbers = lines[frames.LINE_KEY].assign(
        billing_subject=pd.factorize(lines["billing_subject"], sort=True)[0],
        currency=pd.factorize(lines["currency"], sort=True)[0],
    )
    return not numbers.isna().any(axis=None) and frames.is_increasing(numbers)


def parts(lines: pd.DataFrame) -> list[pd.DataFrame]:
    """The lines of a correction in the parts that are booked in turn.

    Where a fee rises while some of its shares fall, what was collected is divided anew first, and the rise comes
    second. Else the payee that got too much would be paid on until the rise is collected, which may be never. What goes
    from one club or organiser to another is taken back in one part and given in the next.
    """
    is_fee = lines["billing_subject"] == BillingSubject.PLAYER
    fee = [lines[name] for name in FEE_KEY]
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
    return [part for each in found if len(each) for part in _with_one_payee_each(each)]


def _with_one_payee_each(lines: pd.DataFrame) -> list[pd.DataFrame]:
    """The lines in parts in which no fee has two clubs or two organisers; the parts of a fee add up to its lines."""
    is_fee = lines["billing_subject"] == BillingSubject.PLAYER
    shares = lines[~is_fee]
    number = shares.groupby([*FEE_KEY, "billing_subject"], sort=False).cumcount()
    number = number.where(shares["billing_subject"].isin(list(NAMED)), 0)
    later = [_with_fees(shares[number == n]) for n in range(1, int(number.max() if len(number) else 0) + 1)]
    first = difference(lines, pd.concat(later)) if later else frames.conform(lines.reset_index(drop=True), frames.LINES)
    return [first, *later]


def _with_fees(shares: pd.DataFrame) -> pd.DataFrame:
    """The shares and what they add up to as the lines of their players."""
    sums = shares.groupby(FEE_KEY, as_index=False)["amount_minor"].sum()
    owed = sums.assign(billing_subject=BillingSubject.PLAYER.value, subject_id=sums["player_id"])
    both = pd.concat([owed[owed["amount_minor"] != 0], shares], ignore_index=True)
    return frames.conform(both.sort_values(frames.LINE_KEY, ignore_index=True), frames.LINES)
