"""The rows of a day in frames of bounded size, so that a day of any size takes the same memory.

A frame ends where a match ends: all that a rule compares (a player twice in a line-up, the shares of a fee, what is
booked of it) stands in one frame.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from payouts_pipeline.domain import frames
from payouts_pipeline.domain.frames import Numbers
from payouts_pipeline.errors import PayoutsError

# How many rows a frame has before it is cut; the lines of so many fees are some megabytes.
ROWS = 20_000

# Reads the frames from the start, with just these columns or with all.
Read = Callable[[Sequence[str] | None], Iterator[pd.DataFrame]]


@dataclass(frozen=True)
class Bounded:
    """A frame, and the matches that it is of: after one id, up to another; open where nothing precedes or follows.

    So the frames of a day cover every match that there can be.
    """

    frame: pd.DataFrame
    after: int | None
    up_to: int | None


class Batches:
    """The frames of a day, in the order of its matches, which may be read any number of times; at least one."""

    def __init__(self, read: Read) -> None:
        self._read = read

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "Batches":
        """A frame that is held already, cut."""
        if not frame["match_id"].is_monotonic_increasing:
            frame = frame.sort_values("match_id", kind="stable", ignore_index=True)
        return cls(lambda columns: (each if columns is None else each[list(columns)] for each in cut([frame])))

    @classmethod
    def single(cls, frame: pd.DataFrame) -> "Batches":
        """A frame that stays whole, of matches or not."""
        return cls(lambda columns: iter([frame if columns is None else frame[list(columns)]]))

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """The frames, from the first."""
        yield from self._read(None)

    def only(self, *columns: str) -> Iterator[pd.DataFrame]:
        """The frames with just these columns, which takes less reading."""
        yield from self._read(columns)

    def map(self, make: Callable[[pd.DataFrame], pd.DataFrame]) -> "Batches":
        """What is made of each frame; made anew whenever it is read."""

        def read(columns: Sequence[str] | None) -> Iterator[pd.DataFrame]:
            for frame in self:
                made = make(frame)
                yield made if columns is None else made[list(columns)]

        return Batches(read)

    def whole(self) -> pd.DataFrame:
        """All rows in one frame, for those who know that they are few."""
        return pd.concat(list(self), ignore_index=True)

    def bounded(self) -> Iterator[Bounded]:
        """The frames with the matches that each is of; raises PayoutsError where they overlap."""
        after: int | None = None
        read = iter(self)
        following: pd.DataFrame | None = next(read)
        while (frame := following) is not None:
            following, matches = next(read, None), frame["match_id"]
            if after is not None and not (matches > after).all():
                raise PayoutsError(
                    f"What is stored of the day is not in the order of its matches (at match {after}): "
                    "materialise 'matches' and 'splits' of that day again."
                )
            up_to = None if following is None else int(matches.max())
            yield Bounded(frame, after, up_to)
            after = up_to


class Digest:
    """A text that is another one for other frames, made frame by frame."""

    def __init__(self) -> None:
        self._made = hashlib.sha256()

    def add(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Count a frame in; gives the same back."""
        self._made.update(frames.digest(frame).encode())
        return frame

    @property
    def text(self) -> str:
        """That of all frames so far."""
        return self._made.hexdigest()

    @classmethod
    def of(cls, batches: Batches) -> str:
        """That of all frames."""
        digest = cls()
        for frame in batches:
            digest.add(frame)
        return digest.text


def cut(blocks: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Blocks of rows, which come in the order of their matches, as frames that end where a match ends.

    Where in `ROWS` rows none ends, the frame is as long as the match.
    """
    rest = None
    for block in blocks:
        rows = block if rest is None or not len(rest) else pd.concat([rest, block], ignore_index=True)
        ends = _ends(rows)
        for begin, end in pairwise([0, *ends]):
            yield rows.iloc[begin:end].reset_index(drop=True)
        rest = rows.iloc[ends[-1] if ends else 0 :].reset_index(drop=True)
    if rest is not None:
        yield rest


def _ends(rows: pd.DataFrame) -> list[int]:
    """Where to cut: at the last end of a match within `ROWS` rows, or else at the first one after them."""
    match_id = rows["match_id"].fillna(0).to_numpy("int64")
    is_end = np.flatnonzero(match_id[1:] != match_id[:-1]) + 1
    ends: list[int] = []
    begin = 0
    while len(rows) - begin > ROWS:
        last = int(np.searchsorted(is_end, begin + ROWS, side="right")) - 1
        if last < 0 or is_end[last] <= begin:
            last += 1
        if last >= len(is_end):
            break
        begin = int(is_end[last])
        ends.append(begin)
    return ends


def standing_twice(batches: Batches, column: str) -> Numbers:
    """The numbers that stand in a column of the day more than once, in order; it takes eight bytes for each row."""
    values = np.concatenate([each[column].dropna().to_numpy("int64") for each in batches.only(column)])
    values.sort()
    return np.unique(values[1:][values[1:] == values[:-1]])
