"""What tells one frame from another."""

import pandas as pd
import pytest

from payouts_pipeline.domain import frames

_COLUMNS = frames.columns(ids="number", texts="text")


def _frame(*rows: tuple[int | None, str | None]) -> pd.DataFrame:
    return frames.conform(pd.DataFrame(rows, columns=list(_COLUMNS), dtype=object), _COLUMNS)


ROWS = [(1, "a"), (2, None), (None, "b"), (4, "bc"), (5, "")]


def test_equal_frames_that_were_made_in_one_way_have_one_digest() -> None:
    assert frames.digest(_frame(*ROWS)) == frames.digest(_frame(*ROWS))


@pytest.mark.parametrize(
    "other",
    [
        ROWS[::-1],
        ROWS[:-1],
        [*ROWS[:-1], (5, None)],
        [*ROWS[:-1], (None, "")],
        [*ROWS[:-1], (6, "")],
        [*ROWS[:2], (None, "bb"), (4, "c"), ROWS[-1]],
    ],
)
def test_another_frame_has_another_digest(other: list[tuple[int | None, str | None]]) -> None:
    assert frames.digest(_frame(*ROWS)) != frames.digest(_frame(*other))


def test_two_parts_of_one_frame_have_two_digests() -> None:
    whole = _frame(*ROWS)
    parts = [whole.iloc[begin : begin + 3] for begin in range(3)]
    assert len({frames.digest(part) for part in parts}) == 3


def test_a_column_under_another_name_or_of_another_type_makes_another_digest() -> None:
    whole = _frame(*ROWS)
    others = [whole.rename(columns={"text": "texts"}), whole.astype({"number": "int32[pyarrow]"}), whole[["text"]]]
    assert len({frames.digest(each) for each in [whole, *others]}) == 4
