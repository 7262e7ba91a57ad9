"""The matches and line-ups of one local day; they depend on the date alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from payouts_pipeline.local.season import catalogue
from payouts_pipeline.local.season.catalogue import Fixture

_SEED = 20_260_101
_LINE_UP = (11, 14)
# Most scorers leave the club out where it is the player's own; some write it down.
_CLUB_WRITTEN_DOWN = 0.05

_ORGANISER_OF = {competition.id: competition.organiser_id for competition in catalogue.COMPETITIONS}


@dataclass(frozen=True)
class MatchDay:
    """The rows of `league.matches` and `league.match_players` of one day."""

    matches: list[tuple[Any, ...]]
    match_players: list[tuple[Any, ...]]


def match_day(day: date, timezone: ZoneInfo) -> MatchDay:
    """Make the 9 to 12 matches of a local day, which hold every awkward case that the pipeline must bear.

    They are drawn by a generator that is seeded with the date, so that no other day has a part in them.
    """
    rng = np.random.default_rng([_SEED, day.toordinal()])
    result = MatchDay([], [])
    for number, (fixture, home, away) in enumerate(_pairings(rng), start=1):
        match_id = int(f"{day:%Y%m%d}{number:02}")
        kicked_off_at = datetime.combine(day, fixture.kick_off, timezone).astimezone(UTC)
        result.matches.append((match_id, fixture.competition_id, kicked_off_at, fixture.status))
        line_up = [*_side(home, rng, fixture.guest_id), *_side(away, rng)]
        result.match_players.extend(
            (match_id * 100 + place, match_id, player_id, club_id)
            for place, (player_id, club_id) in enumerate(line_up, start=1)
        )
    return result


def _pairings(rng: np.random.Generator) -> Iterator[tuple[Fixture, int, int]]:
    """Draw a day's fixtures and give each a home and an away club; no club plays twice on a day."""
    extras = [fixture for fixture in catalogue.EXTRA_FIXTURES if rng.random() < 0.5]
    fixtures = [*catalogue.DAILY_FIXTURES, *extras]
    taken = {fixture.home_club_id for fixture in fixtures}
    free = {organiser: _drawn_clubs(organiser, taken, rng) for organiser in catalogue.ORGANISERS}
    for fixture in fixtures:
        clubs = free[_ORGANISER_OF[fixture.competition_id]]
        yield fixture, fixture.home_club_id or clubs.pop(), clubs.pop()


def _drawn_clubs(organiser_id: int, taken: set[int | None], rng: np.random.Generator) -> list[int]:
    """Draw an order of the organiser's clubs that no fixture names."""
    size = catalogue.CLUBS_PER_ORGANISER
    first = catalogue.FIRST_CLUB_ID + list(catalogue.ORGANISERS).index(organiser_id) * size
    free = [club_id for club_id in range(first, first + size) if club_id not in taken]
    return [int(club_id) for club_id in rng.permutation(free)]


def _side(club_id: int, rng: np.random.Generator, guest_id: int | None = None) -> list[tuple[int, int | None]]:
    """Draw one side's 11 to 14 as (player, club played for): the captain first, a guest last."""
    after_last = catalogue.FIRST_PLAYER_ID + catalogue.PLAYER_COUNT
    captain, *others = range(catalogue.captain_id(club_id), after_last, len(catalogue.CLUB_NAMES))
    size = int(rng.integers(*_LINE_UP, endpoint=True)) - 1
    drawn = rng.choice(others, size, replace=False)
    written = rng.random(size) < _CLUB_WRITTEN_DOWN
    side: list[tuple[int, int | None]] = [(captain, None)]
    side += [(int(player), club_id if noted else None) for player, noted in zip(drawn, written, strict=True)]
    if guest_id is not None:
        side[-1] = (guest_id, club_id)
    return side
