"""From fees to lines: every fee is split or held out with its reason, in any order of the rows."""

import json
import random
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.domain.reasons import HeldOutCode
from payouts_pipeline.domain.splits import split

HALVES = '[["club", null, 0, 5000], ["organiser", null, 0, 2000], ["partner", 7, 0, 2000], ["platform", null, 0, 1000]]'
GOOD: dict[str, Any] = {
    "match_player_id": 1,
    "match_id": 10,
    "competition_id": 20,
    "organiser_id": 30,
    "player_id": 40,
    "club_id": 50,
    "club_is_named": False,
    "fee_structure_id": 60,
    "terms_count": 1,
    "currency": "EUR",
    "fee_minor": 1_003,
    "shares_json": HALVES,
}


def fees(*rows: dict[str, Any]) -> pd.DataFrame:
    """Fees like `GOOD` with ids of their own, and with whatever each row says."""
    full = [GOOD | {"match_player_id": n, "player_id": 40 + n} | row for n, row in enumerate(rows, start=1)]
    columns = {name: [row[name] for row in full] for name in frames.MATCHES}
    return pd.DataFrame({name: pd.Series(columns[name], dtype=dtype) for name, dtype in frames.MATCHES.items()})


def split_of(frame: pd.DataFrame) -> pd.DataFrame:
    return split(Batches.of(frame)).whole()


def lines(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    columns = ["match_player_id", "billing_subject", "subject_id", "amount_minor"]
    return [tuple(row) for row in frame[columns].itertuples(index=False)]


def codes(frame: pd.DataFrame) -> dict[int, str]:
    held_out = frame[frame["held_out_code"].notna()]
    return dict(zip(held_out["match_player_id"], held_out["held_out_code"], strict=True))


def test_a_fee_becomes_a_line_for_the_player_and_one_for_each_payee() -> None:
    assert lines(split_of(fees({}))) == [
        (1, "club", 50, 501),
        (1, "organiser", 30, 201),
        (1, "partner", 7, 201),
        (1, "platform", 0, 100),
        (1, "player", 41, 1_003),
    ]


def test_no_fees_give_no_lines_of_the_same_columns() -> None:
    nothing = split_of(frames.empty(frames.MATCHES))
    assert len(nothing) == 0
    assert dict(nothing.dtypes) == frames.SPLITS


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (
            {"terms_count": 0, "fee_structure_id": None, "currency": None, "fee_minor": None, "shares_json": None},
            HeldOutCode.NO_TERMS,
        ),
        ({"terms_count": 2}, HeldOutCode.TWO_TERMS),
        ({"currency": None}, HeldOutCode.TERMS_INCOMPLETE),
        ({"fee_minor": None}, HeldOutCode.TERMS_INCOMPLETE),
        ({"shares_json": None}, HeldOutCode.BPS_NOT_WHOLE),
        ({"shares_json": '[["club", null, 0, 9999]]'}, HeldOutCode.BPS_NOT_WHOLE),
        ({"fee_minor": -(2**63)}, HeldOutCode.FEE_NEGATIVE),
        ({"fee_minor": 2**63 - 1}, HeldOutCode.FEE_TOO_LARGE),
        ({"currency": "ZZZ"}, HeldOutCode.UNKNOWN_CURRENCY),
        ({"currency": "KWD"}, HeldOutCode.NOT_IN_STEPS),
        ({"player_id": None}, HeldOutCode.NO_PLAYER),
        ({"club_id": None}, HeldOutCode.NO_CLUB),
        ({"organiser_id": None}, HeldOutCode.NO_ORGANISER),
        ({"match_player_id": None}, HeldOutCode.ROW_WITHOUT_ID),
    ],
)
@pytest.mark.parametrize("others", [0, 2])
def test_a_bad_fee_is_held_out_and_the_rest_goes_on(row: dict[str, Any], code: HeldOutCode, others: int) -> None:
    result = split_of(fees(row, *[{} for _ in range(others)]))
    held_out = result[result["held_out_code"].notna()]
    assert len(held_out) == 1
    assert held_out["held_out_code"].iloc[0] == code
    assert held_out["billing_subject"].iloc[0] == "player"
    assert held_out["amount_minor"].iloc[0] == 0
    assert len(result) == 1 + 5 * others


def test_a_player_twice_in_a_line_up_is_charged_for_neither() -> None:
    result = split_of(fees({"player_id": 1}, {"player_id": 1}, {}))
    assert set(codes(result)) == {1, 2}
    assert codes(result)[1] == HeldOutCode.PLAYER_TWICE


def test_two_rows_with_one_id_are_both_held_out() -> None:
    result = split_of(fees({"match_player_id": 5}, {"match_player_id": 5, "match_id": 11}))
    assert codes(result)[5] == HeldOutCode.ROW_TWICE
    assert result["held_out_code"].notna().all()


def test_fees_of_the_same_terms_in_other_competitions_stay_apart() -> None:
    result = split_of(fees({"club_id": 1}, {"club_id": 2, "organiser_id": 3}))
    assert [line for line in lines(result) if line[1] == "club"] == [(1, "club", 1, 501), (2, "club", 2, 501)]
    assert [line for line in lines(result) if line[1] == "organiser"] == [
        (1, "organiser", 30, 201),
        (2, "organiser", 3, 201),
    ]


_TERMS = st.sampled_from(
    [{}, {"currency": "KWD", "fee_minor": 1_010}, {"fee_minor": 99_999_999}, {"terms_count": 2}, {"fee_minor": 0},
     {"shares_json": None}, {"club_id": None}, {"shares_json": json.dumps([["platform", None, 3, 10_000]])}]
)  # fmt: skip


@given(st.lists(_TERMS, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_every_fee_adds_up_or_is_held_out_in_any_order(rows: list[dict[str, Any]], chance: random.Random) -> None:
    frame = fees(*rows)
    result = split_of(frame)
    shuffled = frame.sample(frac=1, random_state=chance.randrange(2**32), ignore_index=True)
    pd.testing.assert_frame_equal(split_of(shuffled), result)
    good = result[result["held_out_code"].isna()]
    owed = good[good["billing_subject"] == "player"].set_index("match_player_id")["amount_minor"]
    shared = good[good["billing_subject"] != "player"].groupby("match_player_id")["amount_minor"].sum()
    assert owed.to_dict() == shared.to_dict()
    assert len(owed) + len(codes(result)) == len(rows)
