"""A day in frames of bounded size: every row is in one of them, and a match is never divided."""

from collections.abc import Iterator, Sequence

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts_pipeline.domain import batches, frames
from payouts_pipeline.domain.batches import Batches, Digest, cut, standing_twice
from payouts_pipeline.errors import PayoutsError

_COLUMNS = frames.columns(ids="match_id number")
ROWS = 3


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "ROWS", ROWS)


def _frame(matches: Sequence[int | None]) -> pd.DataFrame:
    rows = pd.DataFrame({"match_id": matches, "number": range(len(matches))}, dtype=object)
    return frames.conform(rows, _COLUMNS)


def _made_of(*several: pd.DataFrame) -> Batches:
    """As they are, however they were cut."""
    return Batches(lambda columns: iter([each if columns is None else each[list(columns)] for each in several]))


_MATCHES = st.lists(st.integers(1, 5), max_size=20).map(sorted)


@given(_MATCHES, st.integers(1, 7))
def test_every_row_is_in_one_frame_and_every_match(matches: list[int], block_rows: int) -> None:
    whole = _frame(matches)
    blocks = [whole.iloc[begin : begin + block_rows] for begin in range(0, max(len(whole), 1), block_rows)]
    made = list(cut(blocks))
    pd.testing.assert_frame_equal(pd.concat(made, ignore_index=True), whole)
    seen = [int(match) for frame in made for match in frame["match_id"].unique()]
    assert len(seen) == len(set(matches))
    assert all(len(frame) <= block_rows + ROWS or frame["match_id"].nunique() == 1 for frame in made)


@given(_MATCHES)
def test_the_frames_of_a_day_cover_every_match_once(matches: list[int]) -> None:
    bounds = [(batch.after, batch.up_to) for batch in Batches.of(_frame(matches)).bounded()]
    assert (bounds[0][0], bounds[-1][1]) == (None, None)
    assert [after for after, _ in bounds[1:]] == [up_to for _, up_to in bounds[:-1]]


def test_a_frame_is_sorted_by_match_before_it_is_cut() -> None:
    made = list(Batches.of(_frame([2, 1, 2, 1, 2, 1])))
    assert [frame["number"].tolist() for frame in made] == [[1, 3, 5], [0, 2, 4]]


def test_a_day_without_rows_is_one_frame_of_its_columns() -> None:
    [frame] = Batches.of(_frame([]))
    assert dict(frame.dtypes) == _COLUMNS


def test_they_can_be_read_again_and_column_by_column() -> None:
    day = Batches.of(_frame([1, 1, 1, 2, 3])).map(lambda frame: frame.assign(number=frame["number"] * 2))
    assert [frame.columns.tolist() for frame in day.only("number")] == [["number"]] * 2
    assert [list(frame["number"]) for frame in day] == [[0, 2, 4], [6, 8]] == [list(frame["number"]) for frame in day]


@pytest.mark.parametrize("following", [[1, 2], [2, 3], [0]])
def test_a_match_in_two_frames_or_out_of_order_is_refused(following: list[int]) -> None:
    day = _made_of(_frame([1, 2]), _frame(following))
    with pytest.raises(PayoutsError, match="not in the order of its matches"):
        list(day.bounded())


def test_only_frames_that_are_asked_for_are_read() -> None:
    read = []

    def frames_of_day(_: Sequence[str] | None) -> Iterator[pd.DataFrame]:
        for number in range(9):
            read.append(number)
            yield _frame([number])

    next(iter(Batches(frames_of_day)))
    assert read == [0]


def test_what_stands_twice_is_found_across_frames() -> None:
    day = _made_of(_frame([1, 2, 2]), _frame([3, 1, None]), _frame([None, 4]))
    assert standing_twice(day, "match_id").tolist() == [1, 2]
    assert standing_twice(_made_of(_frame([])), "match_id").tolist() == []


def test_a_digest_is_of_all_frames_in_their_order() -> None:
    first, second = _frame([1, 2]), _frame([3])
    digests = {Digest.of(day) for day in (_made_of(first, second), _made_of(second, first), _made_of(first))}
    assert len(digests) == 3
    assert Digest.of(_made_of(_frame([1, 2]), _frame([3]))) in digests
