"""Whether what `league` says of a day is as agreed: words that are known, ids that stand there once, results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from payouts_pipeline.domain.batches import Batches, standing_twice
from payouts_pipeline.domain.findings import NAMED, Finding
from payouts_pipeline.domain.words import KICK_OFF, PLAYED, SCHEDULED, STATUS, Twice, Word

# So long after its kick-off a match is over, whatever happened in it.
LONG_AGO = timedelta(hours=6)


@dataclass(frozen=True)
class LeagueOfDay:
    """The words of a day's matches and terms, and the ids that stand twice of what it needs."""

    words: Sequence[Word]
    twice: Sequence[Twice]

    def matches(self, status: str | None = None) -> int:
        """How many matches kicked off on the day, or those of one status."""
        return sum(word.rows for word in self._statuses if status in (None, word.read))

    @property
    def forgotten(self) -> int:
        """How many matches are still scheduled long after their kick-off, on a day of which none is played."""
        if self.matches(PLAYED):
            return 0
        return sum(word.long_ago for word in self._statuses if word.read == SCHEDULED)

    @property
    def unknown(self) -> list[Word]:
        """The words that nobody knows."""
        return [word for word in self.words if not word.is_known]

    @property
    def read_otherwise(self) -> list[Word]:
        """The words that are read otherwise than they are written."""
        return [word for word in self.words if word.is_read_otherwise]

    @property
    def _statuses(self) -> list[Word]:
        return [word for word in self.words if word.place == STATUS]


def league_keeps_its_contract(found: LeagueOfDay) -> Finding:
    """Whether what `league` says of the day is as agreed; where not, which rows, what becomes of them, what to do."""
    wrong = [*_wrong(found)]
    of_day = [word for word in found.unknown if word.place != KICK_OFF]
    description = (
        f"{'. '.join(wrong)}."
        if wrong
        else f"Schema 'league' says of the {found.matches()} matches of the day what its contract says."
    )
    figures = {
        "matches": found.matches(),
        "played": found.matches(PLAYED),
        "scheduled": found.matches(SCHEDULED),
        "unknown_words": sum(word.rows for word in of_day),
        "read_otherwise": sum(word.rows for word in found.read_otherwise),
        "ids_twice": sum(each.keys for each in found.twice),
        "rows": [
            *(word.named for word in found.unknown[:NAMED]),
            *(word.named_as_read for word in found.read_otherwise[:NAMED]),
            *(each.named for each in found.twice[:NAMED]),
        ],
    }
    return Finding(not wrong, description, figures)


def _wrong(found: LeagueOfDay) -> Iterator[str]:
    """A sentence for each thing that is not as agreed, the worst first."""
    if found.forgotten:
        yield (
            f"None of the {found.matches()} matches of the day is played, and {found.forgotten} are still scheduled "
            f"{LONG_AGO // timedelta(hours=1)} hours or more after kick-off, so that nobody is charged or paid: enter "
            "the results in league.matches, and materialise the day again"
        )
    for word in found.unknown[:NAMED]:
        yield f"{word.named}; {word.means}"
    for each in found.twice:
        yield f"{each.named}; {each.means}"
    if found.read_otherwise:
        words = "; ".join(word.named_as_read for word in found.read_otherwise[:NAMED])
        yield f"{words}. That is paid all the same; have the view write the words of the contract"


def players_to_look_at(fees: Batches) -> list[int]:
    """Players with fees that stand twice in a day, which they do where a player does; none on a day as it should be."""
    rows_twice = standing_twice(fees, "match_player_id")
    if not len(rows_twice):
        return []
    found = set[int]()
    for rows in fees.only("match_player_id", "player_id"):
        found |= set(map(int, rows.loc[rows["match_player_id"].isin(rows_twice), "player_id"].dropna()))
    return sorted(found)
