"""From fees to lines: what each player owes, and whose it is.

Fees of the same terms have the same shares, so the terms are split once each, in exact integers, and merged
with the fees: a sixth of the time of splitting every fee.
"""

from typing import Any

import pandas as pd

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.allocation import CannotSplit, Terms, allocate
from payouts_pipeline.domain.billing import PLATFORM_ID, BillingSubject
from payouts_pipeline.domain.reasons import HeldOutCode

_TERMS = ["currency", "fee_minor", "shares_json", "terms_count"]


def split(fees: pd.DataFrame) -> pd.DataFrame:
    """The lines (`frames.SPLITS`) of the fees (`frames.MATCHES`); depends on no order of the rows.

    The shares of a fee add up to the fee. A fee that can't be split is one line with the code of why and no shares.
    """
    terms = fees[_TERMS].drop_duplicates(ignore_index=True)
    fees = fees.merge(terms.assign(terms_no=terms.index), on=_TERMS)
    shares, codes = _split_terms(terms)
    fees = fees.assign(held_out_code=_held_out(fees, codes))
    good = fees[fees["held_out_code"].isna()]
    lines = pd.concat([_player_lines(fees), _share_lines(good, shares)], ignore_index=True)
    return frames.conform(lines.sort_values(frames.LINE_KEY, ignore_index=True), frames.SPLITS)


def _split_terms(terms: pd.DataFrame) -> tuple[pd.DataFrame, dict[int, str]]:
    """The shares of each of the terms (terms_no, billing_subject, partner_id, amount_minor), or why there are none."""
    shares: list[tuple[int, str, int, int]] = []
    codes: dict[int, str] = {}
    for terms_no, row in enumerate(terms.itertuples()):
        try:
            shares += [
                (terms_no, share.subject, share.partner_id, amount) for share, amount in allocate(_terms_of(row))
            ]
        except CannotSplit as refusal:
            codes[terms_no] = refusal.code.value
    columns = ["terms_no", "billing_subject", "partner_id", "amount_minor"]
    return pd.DataFrame(shares, columns=columns), codes


def _terms_of(row: Any) -> Terms:
    """The terms of one row of `_TERMS`. Raises CannotSplit where they are missing or not unique."""
    if pd.isna(row.terms_count) or row.terms_count == 0:
        raise CannotSplit(HeldOutCode.NO_TERMS)
    if row.terms_count > 1:
        raise CannotSplit(HeldOutCode.TWO_TERMS)
    if pd.isna(row.currency) or pd.isna(row.fee_minor):
        raise CannotSplit(HeldOutCode.TERMS_INCOMPLETE)
    # A structure without any share row is missing from the terms, not empty.
    shares_json = "[]" if pd.isna(row.shares_json) else row.shares_json
    return Terms.from_rows(row.currency, int(row.fee_minor), shares_json)


def _held_out(fees: pd.DataFrame, codes_of_terms: dict[int, str]) -> pd.Series:
    """Why a fee is held out; missing for a good one. What is wrong with the terms comes first."""
    of_terms = fees["terms_no"].map(codes_of_terms).astype(frames.TEXT)
    of_fee = pd.Series(pd.NA, index=fees.index, dtype=frames.TEXT)
    of_fee[fees["organiser_id"].isna()] = HeldOutCode.NO_ORGANISER.value
    of_fee[fees["club_id"].isna()] = HeldOutCode.NO_CLUB.value
    # A table can't hold these, but a view can; booked, they would charge the player twice.
    of_fee[fees.duplicated(["match_id", "player_id"], keep=False)] = HeldOutCode.PLAYER_TWICE.value
    of_fee[fees.duplicated("match_player_id", keep=False)] = HeldOutCode.ROW_TWICE.value
    of_fee[fees["match_player_id"].isna()] = HeldOutCode.ROW_WITHOUT_ID.value
    of_fee[fees["player_id"].isna()] = HeldOutCode.NO_PLAYER.value
    return of_terms.fillna(of_fee)


def _player_lines(fees: pd.DataFrame) -> pd.DataFrame:
    """What each player owes for each match."""
    owed = fees["fee_minor"].where(fees["held_out_code"].isna(), 0)
    return fees.assign(billing_subject=BillingSubject.PLAYER.value, subject_id=fees["player_id"], amount_minor=owed)


def _share_lines(fees: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """Whose each part of the good fees is."""
    lines = fees.merge(shares.astype({"amount_minor": frames.ID}), on="terms_no")
    payee_columns = {
        BillingSubject.CLUB: lines["club_id"],
        BillingSubject.ORGANISER: lines["organiser_id"],
        BillingSubject.PARTNER: lines["partner_id"].astype(frames.ID),
    }
    payee = pd.Series(PLATFORM_ID, index=lines.index, dtype=frames.ID)
    for subject, ids in payee_columns.items():
        payee = payee.mask(lines["billing_subject"] == subject, ids)
    return lines.assign(subject_id=payee)
