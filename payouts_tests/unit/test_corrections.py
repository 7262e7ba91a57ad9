"""What is still to be booked of a day that was booked before: the difference, and nothing else."""

from collections import Counter
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.corrections import difference, parts
from payouts_pipeline.domain.fee_rows import FEE_KEY, ByFee

Line = tuple[int, int, int, str, int, str, int]

_LINES = st.lists(
    st.tuples(
        st.integers(1, 2), st.integers(1, 2), st.integers(1, 2), st.sampled_from(["player", "club", "platform"]),
        st.integers(0, 1), st.sampled_from(["EUR", "KWD"]), st.integers(-99_999_999, 99_999_999),
    ),
    max_size=12,
)  # fmt: skip


def _frame(lines: list[Line]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: pd.Series([line[n] for line in lines], dtype=frames.LINES[name]) for n, name in enumerate(frames.LINES)}
    )


def _sums(frame: pd.DataFrame) -> dict[tuple[Any, ...], int]:
    sums: Counter[tuple[Any, ...]] = Counter()
    for *key, amount in frame.itertuples(index=False):
        sums[tuple(key)] += amount
    return {key: amount for key, amount in sums.items() if amount}


@given(_LINES, _LINES)
@settings(deadline=None, max_examples=60)
def test_booked_and_difference_make_what_is_wanted(wanted: list[Line], booked: list[Line]) -> None:
    new = difference(_frame(wanted), _frame(booked))
    assert _sums(pd.concat([_frame(booked), new])) == _sums(_frame(wanted))
    assert not new.duplicated(frames.LINE_KEY).any()
    assert (new["amount_minor"] != 0).all()


@given(_LINES)
@settings(deadline=None, max_examples=30)
def test_what_is_booked_already_makes_no_lines(wanted: list[Line]) -> None:
    assert difference(_frame(wanted), _frame(wanted[::-1])).empty


def test_a_line_that_is_no_longer_wanted_is_reversed() -> None:
    booked: Line = (1, 2, 3, "club", 4, "EUR", 500)
    assert list(difference(_frame([]), _frame([booked])).itertuples(index=False, name=None)) == [(*booked[:6], -500)]


def test_fees_whose_shares_do_not_add_up_are_found_in_each_currency() -> None:
    good: list[Line] = [(1, 1, 1, "player", 1, "EUR", 10), (1, 1, 1, "club", 5, "EUR", 10)]
    mixed: list[Line] = [(1, 2, 1, "player", 1, "EUR", 10), (1, 2, 1, "club", 5, "KWD", 10)]
    orphan: list[Line] = [(1, 3, 1, "club", 5, "EUR", 10)]
    assert set(ByFee.of(_frame(good + mixed + orphan)).unbalanced) == {2, 3}
    assert ByFee.of(_frame(good)).unbalanced == []


@given(_LINES, _LINES)
@settings(deadline=None, max_examples=60)
def test_the_parts_of_a_booking_make_the_whole_of_it(wanted: list[Line], booked: list[Line]) -> None:
    lines = difference(_frame(wanted), _frame(booked))
    made = parts(lines) if len(lines) else []
    assert _sums(pd.concat(made)) == _sums(lines) if made else lines.empty
    for part in made:
        named = part[part["billing_subject"] == "club"]
        assert not named.duplicated(FEE_KEY).any(), "a row names one club"


def test_what_rises_while_shares_fall_is_divided_anew_first() -> None:
    lines: list[Line] = [
        (1, 2, 3, "player", 3, "EUR", 20),
        (1, 2, 3, "club", 4, "EUR", -1_000),
        (1, 2, 3, "club", 5, "EUR", 700),
        (1, 2, 3, "platform", 0, "EUR", 320),
    ]
    taken_back, given, rise = parts(_frame(lines))
    assert [ByFee.of(part).unbalanced for part in (taken_back, given, rise)] == [[], [], []]
    owed = (1, 2, 3, "player", 3, "EUR")
    assert _sums(taken_back) == _sums(_frame([lines[1], (*lines[3][:6], 300), (*owed, -700)]))
    assert _sums(given) == _sums(_frame([lines[2], (*owed, 700)]))
    assert _sums(rise) == _sums(_frame([lines[0], (*lines[3][:6], 20)]))


def test_what_falls_or_only_rises_is_booked_in_one_part() -> None:
    falls: list[Line] = [(1, 2, 3, "player", 3, "EUR", -20), (1, 2, 3, "club", 4, "EUR", -50)]
    falls.append((1, 2, 3, "platform", 0, "EUR", 30))
    rises: list[Line] = [(1, 3, 3, "player", 3, "EUR", 20), (1, 3, 3, "club", 4, "EUR", 20)]
    (part,) = parts(_frame(falls + rises))
    assert _sums(part) == _sums(_frame(falls + rises))
