"""From fees to lines: what each player owes, and whose it is.

Fees of the same terms have the same shares, so the terms are split once each, in exact integers. The lines of all fees
are then taken from those by number, in their order: nothing is merged, sorted or compared as text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.allocation import CannotSplit, Terms, allocate
from payouts_pipeline.domain.batches import Batches, standing_twice
from payouts_pipeline.domain.billing import PLATFORM_ID, BillingSubject
from payouts_pipeline.domain.frames import Numbers
from payouts_pipeline.domain.reasons import HeldOutCode

_TERMS = ["currency", "fee_minor", "shares_json", "terms_count"]
_ORDER = ["match_id", "match_player_id", "player_id", "currency"]
# As their texts are sorted, in which order the lines of a fee stand.
_SUBJECTS = sorted(BillingSubject)
_NUMBER_OF = {subject: number for number, subject in enumerate(_SUBJECTS)}
_HELD_OUT_LINE = 0


@dataclass(frozen=True)
class _Template:
    """The lines of fees of all terms, one after the other; the first is that of a fee which is held out.

    ``first`` and ``count`` say for each of the terms which lines are its own.
    """

    subject: Numbers
    partner_id: Numbers
    amount_minor: Numbers
    first: Numbers
    count: Numbers


def split(fees: Batches) -> Batches:
    """The lines (`frames.SPLITS`) of the fees (`frames.MATCHES`); depends on no order of the rows within a match.

    The shares of a fee add up to the fee. A fee that can't be split is one line with the code of why and no shares.
    """
    rows_twice = standing_twice(fees, "match_player_id")
    return fees.map(lambda frame: _split(frame, rows_twice))


def _split(fees: pd.DataFrame, rows_twice: Numbers) -> pd.DataFrame:
    fees = _in_order(fees)
    terms_no, first_fees = frames.numbered(fees, _TERMS)
    template, codes = _split_terms(fees.loc[first_fees, _TERMS])
    held_out_code = _held_out(fees, np.array([*codes, None], dtype=object)[terms_no], rows_twice)
    is_good = held_out_code.isna().to_numpy(bool)
    count = np.where(is_good, template.count[terms_no], 1)
    fee_no = np.repeat(np.arange(len(fees)), count)
    position = np.arange(len(fee_no)) - np.repeat(np.cumsum(count) - count, count)
    line = np.where(is_good, template.first[terms_no], _HELD_OUT_LINE)[fee_no] + position
    return _lines(fees.assign(held_out_code=held_out_code), template, fee_no, line)


def _in_order(fees: pd.DataFrame) -> pd.DataFrame:
    """The fees as their lines are to stand; they come so from `league`."""
    if not fees["match_player_id"].isna().any() and frames.is_increasing(fees[["match_id", "match_player_id"]]):
        return fees.reset_index(drop=True)
    return fees.sort_values(_ORDER, ignore_index=True)


def _split_terms(terms: pd.DataFrame) -> tuple[_Template, list[str | None]]:
    """The lines of a fee of each of the terms, or the code of why it can't be split."""
    lines: list[tuple[int, int, int]] = [(_NUMBER_OF[BillingSubject.PLAYER], 0, 0)]
    counts: list[int] = []
    codes: list[str | None] = []
    for row in terms.itertuples():
        of_terms, code = _split_one(row)
        lines += of_terms
        counts.append(len(of_terms))
        codes.append(code)
    count = np.array(counts, dtype="int64")
    subject, partner_id, amount_minor = np.array(lines, dtype="int64").T
    return _Template(subject, partner_id, amount_minor, 1 + np.cumsum(count) - count, count), codes


def _split_one(row: Any) -> tuple[Sequence[tuple[int, int, int]], str | None]:
    """The lines (number of the subject, partner, amount) of a fee of these terms, in order; or why there are none."""
    try:
        terms = _terms_of(row)
        shares = [(_NUMBER_OF[share.subject], share.partner_id, amount) for share, amount in allocate(terms)]
    except CannotSplit as refusal:
        return (), refusal.code.value
    return sorted([*shares, (_NUMBER_OF[BillingSubject.PLAYER], 0, terms.fee_minor)]), None


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


def _held_out(fees: pd.DataFrame, of_terms: Numbers, rows_twice: Numbers) -> "pd.Series[str]":
    """Why a fee is held out; missing for a good one. What is wrong with the terms comes first."""
    of_fee = np.full(len(fees), None, dtype=object)
    of_fee[fees["organiser_id"].isna()] = HeldOutCode.NO_ORGANISER.value
    of_fee[fees["club_id"].isna()] = HeldOutCode.NO_CLUB.value
    # A table can't hold these, but a view can; booked, they would charge the player twice.
    of_fee[fees.duplicated(["match_id", "player_id"], keep=False)] = HeldOutCode.PLAYER_TWICE.value
    of_fee[fees["match_player_id"].isin(rows_twice)] = HeldOutCode.ROW_TWICE.value
    of_fee[fees["match_player_id"].isna()] = HeldOutCode.ROW_WITHOUT_ID.value
    of_fee[fees["player_id"].isna()] = HeldOutCode.NO_PLAYER.value
    has_bad_terms = of_terms != None  # noqa: E711 - element by element
    return pd.Series(pa.array(np.where(has_bad_terms, of_terms, of_fee), pa.string()), dtype=frames.TEXT)


def _lines(fees: pd.DataFrame, template: _Template, fee_no: Numbers, line: Numbers) -> pd.DataFrame:
    """Line after line: of which fee it is, and which line of the template."""
    of_fee = {name: fees[name].take(fee_no) for name in [*_ORDER, "club_is_named", "held_out_code"]}
    subject = template.subject[line]
    payees = {
        BillingSubject.CLUB: fees["club_id"],
        BillingSubject.ORGANISER: fees["organiser_id"],
        BillingSubject.PLAYER: fees["player_id"],
    }
    subject_id = np.where(subject == _NUMBER_OF[BillingSubject.PLATFORM], PLATFORM_ID, template.partner_id[line])
    is_missing = np.zeros(len(line), bool)
    for payee, ids in payees.items():
        is_payee = subject == _NUMBER_OF[payee]
        subject_id = np.where(is_payee, ids.fillna(0).to_numpy("int64")[fee_no], subject_id)
        is_missing |= is_payee & ids.isna().to_numpy(bool)[fee_no]
    made = {
        "billing_subject": frames.series(pa.array(_SUBJECTS, pa.string()).take(pa.array(subject))),
        "subject_id": frames.series(pa.array(subject_id, mask=is_missing)),
        "amount_minor": frames.series(pa.array(template.amount_minor[line])),
    }
    columns = {name: column.reset_index(drop=True) for name, column in {**of_fee, **made}.items()}
    return pd.DataFrame({name: columns[name] for name in frames.SPLITS}).astype(frames.SPLITS)
