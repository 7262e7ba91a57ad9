"""The words of schema `league` and the ids that should stand there once: what is known, and what becomes of the rest.

The queries read a word in any case and with blanks around it; what it must then be, is here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from payouts_pipeline.domain.billing import SHARE_ORDER
from payouts_pipeline.domain.currencies import KNOWN

PLAYED, SCHEDULED = "played", "scheduled"
STATUSES = (SCHEDULED, PLAYED, "abandoned", "postponed", "cancelled")

STATUS, KICK_OFF = "matches.status", "matches.kicked_off_at"
_KNOWN: Mapping[str, frozenset[str]] = {
    STATUS: frozenset(STATUSES),
    "fee_structures.currency": KNOWN,
    "fee_shares.billing_subject": frozenset(SHARE_ORDER),
}
_UNKNOWN_MEANS: Mapping[str, str] = {
    STATUS: f"nothing is charged or paid for these matches: have the view say one of {', '.join(STATUSES)}",
    KICK_OFF: "a match that was played and has no kick-off is of no day, so that nothing is charged or paid for it: "
    "have the view say when it kicked off",
    "fee_structures.currency": "the fees of these fee structures are held out: write a currency's code, such as EUR",
    "fee_shares.billing_subject": "the fees of these fee structures are held out: write "
    f"{', '.join(SHARE_ORDER[:-1])} or {SHARE_ORDER[-1]}",
}

_HELD = "what these are paid is held, since nobody knows which of their accounts is right"
_STOPS = "a day with one of their fees stops before anything of it is booked"
_HELD_OUT = "the fees of these are held out"
_TWICE_MEANS: Mapping[str, str] = {
    "organisers.id": _HELD,
    "clubs.id": _HELD,
    "partners.id": _HELD,
    "competitions.id": _STOPS,
    "matches.id": _STOPS,
    "players.id": _STOPS,
    "match_players.id": _STOPS,
    "match_players.(match_id,player_id)": _STOPS,
    "fee_structures.id": _HELD_OUT,
    "fee_structures.(competition_id,effective_from)": _HELD_OUT,
}
_ONE_ROW = "have the view give one row for each"

# What a database holds is shown no longer than this.
_SHOWN = 24


@dataclass(frozen=True)
class Word:
    """A word as it is written in a column (``place``), as it is read, in how many rows, and the first of their ids."""

    place: str
    written: str | None
    read: str | None
    rows: int
    long_ago: int
    ids: list[int]

    @property
    def is_known(self) -> bool:
        """Whether it is a word of the contract, as it is read."""
        return self.read in _KNOWN.get(self.place, ())

    @property
    def is_read_otherwise(self) -> bool:
        """Whether it is one that is written in another way; a column of fixed length has blanks behind it."""
        return self.is_known and (self.written or "").rstrip(" ") != self.read

    @property
    def named(self) -> str:
        """The word with its column and the rows that have it."""
        word = "nothing" if self.written is None else repr(self.written[:_SHOWN])
        more = f" and {self.rows - len(self.ids):,} more" if self.rows > len(self.ids) else ""
        return f"league.{self.place} says {word} (id {', '.join(map(str, self.ids))}{more})"

    @property
    def named_as_read(self) -> str:
        """The same of a word that is read otherwise than it is written."""
        return f"{self.named}, which is read as {self.read}"

    @property
    def means(self) -> str:
        """What becomes of rows with a word that nobody knows, and what to do."""
        return _UNKNOWN_MEANS[self.place]


@dataclass(frozen=True)
class Twice:
    """A column, or two, whose values should stand there once: how many stand twice, and the first of them."""

    place: str
    keys: int
    first_keys: list[str]

    @property
    def named(self) -> str:
        """The values with their column."""
        more = f" and {self.keys - len(self.first_keys):,} more" if self.keys > len(self.first_keys) else ""
        return f"league.{self.place} has {', '.join(self.first_keys)}{more} twice"

    @property
    def stops(self) -> bool:
        """Whether no fee of it can be booked, and none of its day."""
        return _TWICE_MEANS[self.place] == _STOPS

    @property
    def means(self) -> str:
        """What becomes of it, and what to do."""
        return f"{_TWICE_MEANS[self.place]}: {_ONE_ROW}"
