"""Slips in `league` that are taken back again have moved no cent, unless a person had accepted them (rule 15)."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from payouts_pipeline.domain.change_limits import ChangeLimit
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import proposals
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.workflow import phases
from payouts_tests.integration.ledger.test_corrections_at_random import DAYS, Season
from payouts_tests.support.leagues import SYDNEY, League
from payouts_tests.support.ledger_steps import ACTOR, materialise, settle, violations
from payouts_tests.support.oracle import BookedDays

# Every change of a day that is booked waits.
NOTHING = ChangeLimit(0.0)
TABLES = ["competitions", "matches", "match_players", "fee_structures", "fee_shares"]
STEPS = 8


@contextmanager
def slip(connection: Connection) -> Iterator[None]:
    """What is done to `league` meanwhile is undone afterwards."""
    for table in TABLES:
        connection.execute(f"create temporary table kept_{table} as table league.{table}")
    yield
    connection.execute("set session_replication_role = replica")
    for table in TABLES:
        connection.execute(f"delete from league.{table}")  # noqa: S608
        connection.execute(f"insert into league.{table} table kept_{table}")
        connection.execute(f"drop table kept_{table}")
    connection.execute("reset session_replication_role")


def run(ledger: Connection, source: Connection) -> None:
    """All days, as nights and sensors do it."""
    for day in DAYS:
        splits = split(reader.fees_of_day(source, day, SYDNEY))
        phases.open_charges(ledger, source, day, splits, ACTOR, change_limit=NOTHING)
        settle(ledger)
        phases.open_payouts(ledger, source, day, {}, ACTOR)
        settle(ledger)


def moved(ledger: Connection) -> list[tuple[object, ...]]:
    return ledger.execute(
        "select id, amount_minor from payouts.instructions where status <> 'cancelled' order by id"
    ).fetchall()


@pytest.mark.parametrize("seed", range(6))
def test_a_slip_that_is_taken_back_has_moved_nothing(
    ledger: Connection, source: Connection, league: League, seed: int
) -> None:
    chance = random.Random(seed)
    season = Season(league, chance)
    # What a day has not booked yet is no change of it: each has a fee.
    for match in season.matches:
        league.plays(match, league.player(season.clubs[0]))
    for day in DAYS:
        materialise(ledger, source, day)
    before, waited = moved(ledger), 0
    for _ in range(STEPS):
        lines = dict(season.lines)
        with slip(league.connection):
            for _ in range(chance.randint(1, 3)):
                season.correct()
            run(ledger, source)
            waited += len(proposals.find_all(ledger))
            assert moved(ledger) == before
        season.lines = lines
        run(ledger, source)
        assert moved(ledger) == before
        assert proposals.find_all(ledger) == []
    assert waited, "some of it was proposed"
    assert violations(ledger) == {}


@pytest.mark.parametrize("seed", range(3))
def test_just_what_a_person_accepts_moves(ledger: Connection, source: Connection, league: League, seed: int) -> None:
    chance = random.Random(seed)
    season, booked = Season(league, chance), BookedDays(league.connection, SYDNEY)
    for day in DAYS:
        materialise(ledger, source, day)
        booked.materialised(day)
    for _ in range(STEPS):
        season.correct()
        run(ledger, source)
        for waiting in proposals.find_all(ledger):
            if chance.random() < 0.5:
                proposals.accept(ledger, waiting.day, "ada", "as the organiser has written")
        accepted = {each.day for each in proposals.find_all(ledger) if each.is_accepted}
        run(ledger, source)
        waits = {each.day for each in proposals.find_all(ledger)}
        for day in DAYS:
            if day in accepted or day not in waits:
                booked.materialised(day)
    found = ledger.execute(
        "select subject, subject_id, currency, booked_minor from payouts.accounts"
        " where subject <> 'provider' and booked_minor <> 0"
    ).fetchall()
    assert {tuple(row[:3]): row[3] for row in found} == dict(booked.positions)
    assert violations(ledger) == {}
