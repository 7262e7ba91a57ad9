"""The sensor that looks for changes: what decides about the fees of a booked day fires it, once, and nothing else."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import dagster as dg
import pytest

from payouts_pipeline.defs.build import build_defs
from payouts_pipeline.defs.resources import LedgerResource
from payouts_pipeline.ledger.database import Connection
from payouts_tests.support.leagues import SYDNEY, League
from payouts_tests.support.ledger_steps import book, fingerprint, materialise

DAY = datetime.now(SYDNEY).date() - timedelta(days=3)

LONG_AGO = datetime(2026, 1, 5, tzinfo=SYDNEY)


@cache
def sensor_on(window_days: str | None) -> tuple[dg.SensorDefinition, dg.RepositoryDefinition]:
    """The production sensor for a window; the definitions take longer to make than the tests."""
    defs = build_defs({"PAYOUTS_CORRECTION_WINDOW_DAYS": window_days or ""})
    return defs.resolve_sensor_def("book_corrections"), defs.get_repository_def()


@dataclass
class Sensor:
    """The production sensor, with the cursor that it left behind."""

    database_url: str
    window_days: str | None = None
    cursor: str | None = None

    def tick(self, instance: dg.DagsterInstance | None = None) -> list[tuple[str | None, str | None]]:
        """Day and run key of what one tick asks for."""
        sensor, repository = sensor_on(self.window_days)
        ledger = LedgerResource(database_url=self.database_url, source_url=self.database_url)
        with dg.DagsterInstance.ephemeral() as ephemeral:
            context = dg.build_sensor_context(
                instance=instance or ephemeral,
                repository_def=repository,
                cursor=self.cursor,
                resources={"ledger": ledger},
            )
            asked = sensor.evaluate_tick(context)
        self.cursor = asked.cursor
        return [(request.partition_key, request.run_key) for request in asked.run_requests or []]

    def days(self) -> list[str | None]:
        return [day for day, _ in self.tick()]


@pytest.fixture
def sensor(database_url: str) -> Sensor:
    return Sensor(database_url)


@dataclass
class Played:
    """A day with one fee, booked and paid."""

    league: League
    club: int
    organiser: int
    competition: int
    structure: int
    match: int
    player: int
    line: int


@pytest.fixture
def played(ledger: Connection, source: Connection, league: League) -> Played:
    club, organiser = league.club(), league.organiser()
    competition = league.competition(organiser)
    structure = league.terms(competition, shares=[("club", None, 0, 5_000), ("organiser", None, 0, 5_000)])
    match, player = league.match(competition, DAY), league.player(club)
    made = Played(league, club, organiser, competition, structure, match, player, league.plays(match, player, club))
    materialise(ledger, source, DAY)
    return made


CORRECTIONS: dict[str, Callable[[Played], object]] = {
    "another player in the line-up": lambda p: p.league.plays(p.match, p.league.player()),
    "a player struck off": lambda p: p.league.strike_off(p.line),
    "played for another club": lambda p: p.league.set("match_players", p.line, club_id=p.league.club()),
    "a late result": lambda p: p.league.plays(p.league.match(p.competition, DAY), p.player),
    "a result that does not count": lambda p: p.league.set("matches", p.match, status="abandoned"),
    "played on another day": lambda p: p.league.set("matches", p.match, kicked_off_at=LONG_AGO),
    "another fee": lambda p: p.league.fee_becomes(p.line, 1_200),
    "another currency": lambda p: p.league.set("fee_structures", p.structure, currency="USD"),
    "other shares": lambda p: p.league.shares(p.structure, [("organiser", None, 0, 10_000)]),
    "shares that can't be split": lambda p: p.league.shares(p.structure, [("club", None, 0, 9_999)]),
    "new terms from that day on": lambda p: p.league.terms(p.competition, 900, effective_from=DAY),
}  # fmt: skip


@pytest.mark.parametrize("correct", CORRECTIONS.values(), ids=CORRECTIONS.keys())
def test_a_correction_fires_once_and_is_done_with_when_it_is_booked(
    ledger: Connection, source: Connection, sensor: Sensor, played: Played, correct: Callable[[Played], object]
) -> None:
    assert sensor.days() == []
    correct(played)
    assert sensor.days() == [str(DAY)]
    assert sensor.days() == [], "its run may be waiting for its turn"
    materialise(ledger, source, DAY)
    assert sensor.days() == []


# A view that can't be read for one player, and so not for a day on which that one has played.
FAILS_FOR_ONE = """
    alter table league.players rename to own_players;
    create view league.players as
    select id, name, club_id + 0 / (id - {player}) as club_id, stripe_customer_id, stripe_payment_method_id
    from league.own_players
"""


def test_a_day_that_can_not_be_compared_is_run_once_and_keeps_no_other_from_it(
    ledger: Connection, source: Connection, sensor: Sensor, played: Played
) -> None:
    earlier = DAY - timedelta(days=2)
    player = played.league.player()
    bad = played.league.fee(player, earlier)
    materialise(ledger, source, earlier)
    assert sensor.days() == []
    played.league.connection.execute(FAILS_FOR_ONE.format(player=player))
    played.league.fee_becomes(bad, 1_100)
    played.league.fee_becomes(played.line, 1_200)
    assert sensor.days() == [str(earlier), str(DAY)], "the run of the bad day fails, and its alert tells"
    assert sensor.days() == []


def test_looking_changes_nothing(ledger: Connection, sensor: Sensor, played: Played) -> None:
    before = fingerprint(ledger)
    played.league.fee_becomes(played.line, 1_200)
    sensor.tick()
    assert fingerprint(ledger) == before


NO_CORRECTIONS: dict[str, Callable[[Played], object]] = {
    "terms from the next day on": lambda p: p.league.terms(p.competition, 900, effective_from=DAY + timedelta(days=1)),
    "a match that is only scheduled": lambda p: p.league.plays(
        p.league.match(p.competition, DAY, "scheduled"), p.player
    ),
    "a new card": lambda p: p.league.set("players", p.player, stripe_payment_method_id="pm_2"),
    "a player who moved to another club": lambda p: p.league.set("players", p.player, club_id=p.league.club()),
    "another competition's terms": lambda p: p.league.priced(77),
}


@pytest.mark.parametrize("change", NO_CORRECTIONS.values(), ids=NO_CORRECTIONS.keys())
def test_what_changes_no_fee_of_the_day_fires_nothing(
    sensor: Sensor, played: Played, change: Callable[[Played], object]
) -> None:
    assert sensor.days() == []
    change(played)
    assert sensor.days() == []


def test_a_change_between_the_booking_and_the_first_look_is_found(sensor: Sensor, played: Played) -> None:
    played.league.fee_becomes(played.line, 1_200)
    assert sensor.days() == [str(DAY)]


def test_a_day_with_fees_held_out_is_left_alone_until_they_can_be_split(
    ledger: Connection, source: Connection, league: League, sensor: Sensor
) -> None:
    competition = league.priced(shares=[("club", None, 0, 9_999)])
    league.plays(league.match(competition, DAY), league.player())
    league.plays(league.match(league.competition(), DAY), league.player())
    materialise(ledger, source, DAY)
    assert sensor.days() == []
    league.terms(competition, effective_from=DAY)
    assert sensor.days() == [str(DAY)]
    materialise(ledger, source, DAY)
    assert sensor.days() == []


def test_there_and_back_and_there_again_fires_each_time(
    ledger: Connection, source: Connection, sensor: Sensor, played: Played
) -> None:
    keys = set()
    for fee_minor in (1_200, 1_000, 1_200):
        played.league.fee_becomes(played.line, fee_minor)
        (asked,) = sensor.tick()
        keys.add(asked)
        materialise(ledger, source, DAY)
    assert len(keys) == 3, "a run key that was used before would start no run"


def test_a_correction_whose_run_failed_is_asked_for_again_tomorrow_and_not_before(
    sensor: Sensor, played: Played
) -> None:
    played.league.fee_becomes(played.line, 1_200)
    ((_, first),) = sensor.tick()
    today = datetime.now(SYDNEY).date()
    assert sensor.tick() == []
    assert sensor.cursor
    sensor.cursor = sensor.cursor.replace(str(today), str(today - timedelta(days=1)))
    ((_, second),) = sensor.tick()
    assert second == first, "the key has the day on which it was asked for: on another day it is another"
    assert str(today) in str(first)


def test_a_lost_cursor_starts_no_second_run(sensor: Sensor, played: Played) -> None:
    played.league.fee_becomes(played.line, 1_200)
    first = sensor.tick()
    sensor.cursor = None
    assert sensor.tick() == first, "the same state has the same run key, which Dagster runs once"


def test_a_day_that_was_never_booked_is_the_schedules_business(league: League, sensor: Sensor) -> None:
    league.fee(league.player(), DAY)
    assert sensor.days() == []


def test_a_booked_day_without_matches_fires_when_results_come_late(
    ledger: Connection, source: Connection, league: League, sensor: Sensor
) -> None:
    book(ledger, source, DAY)
    assert sensor.days() == []
    league.fee(league.player(), DAY)
    assert sensor.days() == [str(DAY)]


def test_only_the_days_of_the_window_are_looked_at(database_url: str, played: Played) -> None:
    played.league.fee_becomes(played.line, 1_200)
    assert Sensor(database_url, "2").days() == []
    assert Sensor(database_url, "3").days() == [str(DAY)]


def test_a_window_of_no_days_means_no_sensor() -> None:
    defs = build_defs({"PAYOUTS_CORRECTION_WINDOW_DAYS": "0"})
    assert "book_corrections" not in [sensor.name for sensor in defs.get_repository_def().sensor_defs]


@pytest.mark.parametrize(
    "tags",
    [
        {"dagster/partition": str(DAY)},
        {
            "dagster/asset_partition_range_start": str(DAY - timedelta(days=9)),
            "dagster/asset_partition_range_end": str(DAY + timedelta(days=1)),
        },
    ],
)
def test_a_day_that_a_run_is_moving_is_left_to_it(sensor: Sensor, played: Played, tags: dict[str, str]) -> None:
    played.league.fee_becomes(played.line, 1_200)
    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.add_run(dg.DagsterRun("pay_out_day", tags=tags, status=dg.DagsterRunStatus.STARTED))
        assert sensor.tick(instance) == []
        instance.report_run_canceled(run)
        assert [day for day, _ in sensor.tick(instance)] == [str(DAY)]


def test_the_cursor_forgets_days_that_left_the_window(sensor: Sensor, played: Played) -> None:
    sensor.cursor = json.dumps({str(LONG_AGO.date()): "long ago"})
    sensor.tick()
    assert sensor.cursor
    assert list(json.loads(sensor.cursor)) == [str(DAY)]
