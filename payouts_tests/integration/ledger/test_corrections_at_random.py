"""Leagues that change at random while their days are materialised, paid, refused and materialised again."""

import random
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta

import pytest

from payouts_pipeline.domain import batches
from payouts_pipeline.ledger import bulk
from payouts_pipeline.ledger.attempts import Attempt, Outcome
from payouts_pipeline.ledger.database import Connection
from payouts_tests.support.leagues import SYDNEY, League, ShareRow
from payouts_tests.support.ledger_steps import (
    account,
    book,
    fingerprint,
    left_alone,
    materialise,
    pass_time,
    rejected,
    release,
    settle,
    settled,
    unknown,
    violations,
    waiting,
)
from payouts_tests.support.oracle import Account, BookedDays

FIRST_DAY = date(2026, 4, 3)  # the clocks go back in Sydney on the 5th
DAYS = [FIRST_DAY + timedelta(days=n) for n in range(4)]
STEPS = 14


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Days of many batches and pages."""
    monkeypatch.setattr(batches, "ROWS", 2)
    monkeypatch.setattr(bulk, "PAGE_ROWS", 2)


class Season:
    """A small league that a seeded random number generator plays, corrects and breaks."""

    def __init__(self, league: League, chance: random.Random) -> None:
        self.league, self.chance = league, chance
        self.partner = league.partner()
        self.clubs = [league.club() for _ in range(3)]
        self.organisers = [league.organiser() for _ in range(2)]
        self.players = [league.player(chance.choice(self.clubs)) for _ in range(4)]
        self.competitions = [league.competition(organiser) for organiser in self.organisers]
        self.terms = [
            league.terms(c, self._fee(), chance.choice(["EUR", "KWD"]), self._shares()) for c in self.competitions
        ]
        self.matches = [league.match(chance.choice(self.competitions), day) for day in DAYS for _ in range(2)]
        self.lines: dict[int, tuple[int, int]] = {}
        for _ in range(10):
            self.line_up()

    def _fee(self) -> int:
        return self.chance.choice([0, 500, 1_000, 1_230, 7_770])

    def _shares(self) -> list[ShareRow]:
        bps = sorted(self.chance.randint(0, 10_000) for _ in range(3))
        return [
            ("club", None, self.chance.choice([0, 100]), bps[0]),
            ("organiser", None, 0, bps[1] - bps[0]),
            ("partner", self.partner, self.chance.choice([0, 50]), bps[2] - bps[1]),
            ("platform", None, 0, 10_000 - bps[2]),
        ]

    def correct(self) -> None:
        """Change one thing."""
        changes: list[Callable[[], None]] = [
            self.line_up, self.strike_off, self.other_player, self.other_club, self.other_match, self.other_day,
            self.other_status, self.other_fee, self.other_shares, self.other_currency, self.other_organiser,
            self.broken_shares,
        ]  # fmt: skip
        self.chance.choice(changes)()

    def line_up(self) -> None:
        match, player = self.chance.choice(self.matches), self.chance.choice(self.players)
        if (match, player) not in self.lines.values():
            self.lines[self.league.plays(match, player)] = match, player

    def strike_off(self) -> None:
        if self.lines:
            line = self.chance.choice(sorted(self.lines))
            del self.lines[line]
            self.league.strike_off(line)

    def other_player(self) -> None:
        self._move(player=self.chance.choice(self.players))

    def other_match(self) -> None:
        self._move(match=self.chance.choice(self.matches))

    def _move(self, match: int | None = None, player: int | None = None) -> None:
        line = self.chance.choice(sorted(self.lines)) if self.lines else 0
        was = self.lines.get(line, (0, 0))
        becomes = match or was[0], player or was[1]
        if line and becomes not in self.lines.values():
            self.lines[line] = becomes
            self.league.set("match_players", line, match_id=becomes[0], player_id=becomes[1])

    def other_club(self) -> None:
        if self.lines:
            club = self.chance.choice([*self.clubs, None])
            self.league.set("match_players", self.chance.choice(sorted(self.lines)), club_id=club)

    def other_day(self) -> None:
        kicked_off_at = datetime.combine(self.chance.choice(DAYS), time(19, 30), SYDNEY)
        self.league.set("matches", self.chance.choice(self.matches), kicked_off_at=kicked_off_at)

    def other_status(self) -> None:
        status = self.chance.choice(["played", "played", "abandoned", "postponed"])
        self.league.set("matches", self.chance.choice(self.matches), status=status)

    def other_fee(self) -> None:
        self.league.set("fee_structures", self.chance.choice(self.terms), fee_minor=self._fee())

    def other_currency(self) -> None:
        self.league.set("fee_structures", self.chance.choice(self.terms), currency=self.chance.choice(["EUR", "KWD"]))

    def other_shares(self) -> None:
        self.league.shares(self.chance.choice(self.terms), self._shares())

    def broken_shares(self) -> None:
        self.league.shares(self.chance.choice(self.terms), [("club", None, 0, 9_999)])

    def other_organiser(self) -> None:
        competition = self.chance.choice(self.competitions)
        self.league.set("competitions", competition, organiser_id=self.chance.choice(self.organisers))


def _provider(chance: random.Random) -> Callable[[Attempt], Outcome | None]:
    answers = [settled, settled, settled, waiting, rejected, unknown, left_alone]
    return lambda attempt: chance.choice(answers)(attempt)


def _phase_at_random(ledger: Connection, source: Connection, chance: random.Random, booked: BookedDays) -> None:
    day = chance.choice(DAYS)
    phase = book if chance.random() < 0.5 else release
    if chance.random() < 0.6:
        settle(ledger, None, _provider(chance))
    phase(ledger, source, day)
    before = fingerprint(ledger)
    phase(ledger, source, day)
    assert fingerprint(ledger) == before, f"{phase.__name__} of {day} wrote again"
    if phase is book:
        booked.materialised(day)


def _until_quiet(ledger: Connection, source: Connection, season: Season, booked: BookedDays) -> None:
    """Everybody pays with a new card, as often as it takes; a few rounds must do."""
    season.league.connection.execute("update league.players set stripe_payment_method_id = 'pm_new'")
    for table in ("clubs", "organisers", "partners"):
        season.league.connection.execute(f"update league.{table} set stripe_account_id = 'acct_new_' || id")  # noqa: S608
    pass_time(ledger, 2)
    before = None
    for _ in range(12):
        # Also what a worker left in its call: its message is delivered again.
        settle(ledger, None, settled, "pending", "published", "unknown", "sending")
        for day in DAYS:
            materialise(ledger, source, day)
            booked.materialised(day)
        if fingerprint(ledger) == before:
            return
        before = fingerprint(ledger)
    pytest.fail("after six rounds something still moves")


@pytest.mark.parametrize("seed", range(12))
def test_any_corrections_end_where_the_oracle_says(
    ledger: Connection, source: Connection, league: League, seed: int
) -> None:
    chance = random.Random(seed)
    season, booked = Season(league, chance), BookedDays(league.connection, SYDNEY)
    for _ in range(STEPS):
        for _ in range(chance.randint(0, 2)):
            season.correct()
        if chance.random() < 0.2:
            pass_time(ledger, chance.choice([0.5, 2, 30]))
        _phase_at_random(ledger, source, chance, booked)
        assert violations(ledger) == {}
    _until_quiet(ledger, source, season, booked)
    assert violations(ledger) == {}
    _assert_as_the_oracle_says(ledger, booked.positions)


def _assert_as_the_oracle_says(ledger: Connection, wanted: Mapping[Account, int]) -> None:
    booked = ledger.execute(
        "select subject, subject_id, currency, booked_minor from payouts.accounts"
        " where subject <> 'provider' and booked_minor <> 0"
    ).fetchall()
    assert {tuple(row[:3]): row[3] for row in booked} == dict(wanted)
    for subject, subject_id, currency in wanted:
        owed, released, in_flight, paid = account(ledger, subject, subject_id, currency)
        assert released == owed, "every fee is collected, so every share is released"
        assert in_flight == 0
        if subject != "platform":
            assert owed - paid < 50, "only what is under the minimum or negative is left on the account"
