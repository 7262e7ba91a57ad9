"""Several runs and workers at once: no deadlock, nothing lost, nothing twice."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier, Event
from time import sleep
from typing import Any

import pytest

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.ledger import attempts
from payouts_pipeline.ledger.database import Connection, connect, open_connection
from payouts_tests.support import oracle
from payouts_tests.support.leagues import DAY, SYDNEY, League
from payouts_tests.support.ledger_steps import (
    ACTOR,
    account,
    book,
    claim,
    ids,
    instructions,
    materialise,
    release,
    settle,
    settled,
    violations,
)

DAYS = [DAY + timedelta(days=n) for n in range(4)]


def _at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Start all actions at the same moment; their results, or the first error."""
    start = Barrier(len(actions))

    def run(action: Callable[[], Any]) -> Any:
        start.wait(10)
        return action()

    with ThreadPoolExecutor(len(actions)) as threads:
        return [future.result(60) for future in [threads.submit(run, action) for action in actions]]


@pytest.fixture
def shared_players(league: League) -> list[int]:
    """Players, clubs and an organiser that all of the days share, in two currencies."""
    organiser = league.organiser()
    clubs = [league.club() for _ in range(3)]
    players = [league.player(clubs[n % 3]) for n in range(12)]
    shares = [("club", None, 0, 7_000), ("organiser", None, 0, 2_000), ("platform", None, 0, 1_000)]
    for n, day in enumerate(DAYS):
        competition = league.competition(organiser)
        league.terms(competition, 1_000 + n, "EUR" if n % 2 else "KWD" if n else "EUR", shares)
        if n == 2:
            league.connection.execute("update league.fee_structures set fee_minor = 2000 where currency = 'KWD'")
        match = league.match(competition, day)
        for player in random.Random(n).sample(players, len(players)):
            league.plays(match, player)
    return players


def _materialise(url: str, day: date) -> None:
    with connect(url) as ledger, connect(url) as source:
        materialise(ledger, source, day)


def _assert_all_paid(ledger: Connection, league: League) -> None:
    fees = [fee for day in DAYS for fee in oracle.fees_of_day(league.connection, day, SYDNEY)[0]]
    for (subject, subject_id, currency), amount_minor in oracle.positions(fees).items():
        paid = 0 if subject == "platform" else amount_minor
        assert account(ledger, subject, subject_id, currency) == (amount_minor, amount_minor, 0, paid)


def test_the_same_day_booked_by_several_at_once_is_booked_once(
    ledger: Connection, league: League, shared_players: list[int], database_url: str
) -> None:
    def book_once() -> int:
        with connect(database_url) as own, connect(database_url) as source:
            return book(own, source, DAY).fee_components

    lines = _at_once(*[book_once] * 5)
    assert sorted(lines)[:4] == [0, 0, 0, 0]
    assert max(lines) == 12 * 4
    assert ledger.execute("select count(*) from payouts.bookings").fetchall() == [(1,)]
    assert len(ids(ledger)) == 12
    assert violations(ledger) == {}


def test_the_same_correction_booked_by_several_at_once_is_booked_once(
    ledger: Connection, source: Connection, league: League, shared_players: list[int], database_url: str
) -> None:
    # The day's row is there already, so that only its lock is left to make the others wait.
    book(ledger, source, DAY)
    league.connection.execute("update league.fee_structures set fee_minor = 1500 where currency = 'EUR'")

    def book_once() -> int:
        with connect(database_url) as own, connect(database_url) as reader:
            return book(own, reader, DAY).fee_components

    assert sorted(_at_once(*[book_once] * 5))[:4] == [0, 0, 0, 0]
    assert account(ledger, "player", shared_players[0])[0] == 1_500
    assert violations(ledger) == {}


def test_days_that_share_players_and_payees_are_booked_and_paid_side_by_side(
    ledger: Connection, source: Connection, league: League, shared_players: list[int], database_url: str
) -> None:
    for _ in range(2):
        _at_once(*[lambda day=day: _materialise(database_url, day) for day in DAYS])
        assert violations(ledger) == {}
    for day in DAYS:
        materialise(ledger, source, day)
    _assert_all_paid(ledger, league)


def _work_until(done: Event, url: str) -> int:
    """Settle whatever there is; how many outcomes counted."""
    counted = 0
    with connect(url) as own:
        while not done.is_set():
            counted += settle(own)
    return counted


def _book_and_release(seed: int, url: str) -> None:
    chance = random.Random(seed)
    phases: list[Callable[[Connection, Connection, date], object]] = [book, release]
    with connect(url) as own, connect(url) as reader:
        for _ in range(8):
            phase = chance.choice(phases)
            phase(own, reader, chance.choice(DAYS))


def _correct(url: str) -> None:
    chance = random.Random(7)
    change = "update league.fee_structures set fee_minor = %s where currency = 'EUR'"
    with open_connection(url) as own:
        for _ in range(12):
            own.execute(change, (chance.randint(500, 2_000),))


def test_workers_record_outcomes_while_days_are_corrected_and_booked(
    ledger: Connection, source: Connection, league: League, shared_players: list[int], database_url: str
) -> None:
    done = Event()
    with ThreadPoolExecutor(2) as workers:
        counts = [workers.submit(_work_until, done, database_url) for _ in range(2)]
        try:
            _at_once(
                *[lambda seed=seed: _book_and_release(seed, database_url) for seed in (1, 2, 3)],
                lambda: _correct(database_url),
            )
        finally:
            done.set()
        assert sum(count.result() for count in counts) > 0
    assert violations(ledger) == {}
    for _ in range(3):
        for day in DAYS:
            materialise(ledger, source, day)
    assert violations(ledger) == {}
    fees = [fee for day in DAYS for fee in oracle.fees_of_day(league.connection, day, SYDNEY)[0]]
    for (subject, subject_id, currency), amount_minor in oracle.positions(fees).items():
        booked, released, in_flight, _ = account(ledger, subject, subject_id, currency)
        assert (booked, released, in_flight) == (amount_minor, amount_minor, 0)


def test_one_message_for_many_workers_is_taken_by_one(
    ledger: Connection, source: Connection, league: League, shared_players: list[int], database_url: str
) -> None:
    book(ledger, source, DAY)
    wanted = ids(ledger)

    def take() -> list[Any]:
        with connect(database_url) as own:
            return [attempt.instruction_id for attempt in claim(own, random.sample(wanted, len(wanted)))]

    taken = [one for many in _at_once(*[take] * 6) for one in many]
    assert sorted(taken) == sorted(wanted)


def test_the_same_outcome_recorded_by_many_counts_once(
    ledger: Connection, source: Connection, league: League, shared_players: list[int], database_url: str
) -> None:
    book(ledger, source, DAY)
    outcomes = [settled(attempt) for attempt in claim(ledger, ids(ledger))]

    def record() -> int:
        with connect(database_url) as own:
            return len(attempts.record(own, random.sample(outcomes, len(outcomes)), ACTOR))

    assert sum(_at_once(*[record] * 5)) == len(outcomes)
    assert violations(ledger) == {}


def test_a_charge_is_taken_back_or_sent_but_not_both(
    ledger: Connection, source: Connection, league: League, database_url: str
) -> None:
    players = [league.player() for _ in range(6)]
    lines = [league.fee(player, DAY, 1_000) for player in players]
    book(ledger, source, DAY)
    wanted = ids(ledger)
    for line in lines:
        league.fee_becomes(line, 600)

    def correct() -> None:
        with connect(database_url) as own, connect(database_url) as reader:
            book(own, reader, DAY)

    def work() -> None:
        with connect(database_url) as own:
            for one in wanted:
                attempts.record(own, [settled(attempt) for attempt in claim(own, [one])], ACTOR)

    _at_once(correct, work)
    assert violations(ledger) == {}
    settle(ledger)
    book(ledger, source, DAY)
    release(ledger, source, DAY)
    assert violations(ledger) == {}
    for player in players:
        assert [i for i in instructions(ledger, "player", player) if i[0] != "cancelled"] in (
            [("settled", 1_000)],
            [("settled", 600)],
        )
        assert account(ledger, "player", player)[:2] == (600, 600)


def test_a_second_run_of_a_day_waits_for_the_first(
    ledger: Connection, source: Connection, league: League, database_url: str
) -> None:
    league.fee(league.player(), DAY)
    with ThreadPoolExecutor(1) as threads:
        with ledger.transaction():
            book(ledger, source, DAY)
            second = threads.submit(_materialise, database_url, DAY)
            with pytest.raises(TimeoutError):
                second.result(0.5)
        second.result(30)
    assert violations(ledger) == {}
    assert ledger.execute("select count(*) from payouts.bookings").fetchall() == [(1,)]


def _await_waiting(connection: Connection, count: int) -> None:
    """Wait until so many other sessions of the database wait for a lock."""
    query = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    for _ in range(300):
        if connection.execute(query).fetchall() == [(count,)]:
            return
        sleep(0.1)
    pytest.fail(f"there were never {count} sessions that wait")


def test_corrections_that_divide_fees_in_the_same_new_ways_do_not_deadlock(
    ledger: Connection, source: Connection, league: League, database_url: str
) -> None:
    clubs, players = [league.club(), league.club()], [league.player(), league.player()]
    lines = [league.fee(player, day) for player, day in zip(players, DAYS, strict=False)]
    for line, club in zip(lines, clubs, strict=True):
        league.set("match_players", line, club_id=club)
    for day in DAYS[:2]:
        book(ledger, source, day)
    # What one day takes from a club before it gives it to the next, the other day gives before it takes.
    for line, club in zip(lines, reversed(clubs), strict=True):
        league.set("match_players", line, club_id=club)
        league.fee_becomes(line, 700)

    def correct(day: date) -> None:
        with connect(database_url) as own, connect(database_url) as reader:
            book(own, reader, day)

    with ThreadPoolExecutor(2) as threads:
        with ledger.transaction():
            # Where a booking writes next what it has just inserted.
            ledger.execute("lock table payouts.allocation_lines in share mode")
            corrections = [threads.submit(correct, day) for day in DAYS[:2]]
            _await_waiting(league.connection, 2)
        for correction in corrections:
            correction.result(30)
    assert [account(ledger, "club", club)[0] for club in clubs] == [700, 700]
    assert violations(ledger) == {}


def _declined(attempt: attempts.Attempt) -> attempts.Outcome:
    return attempts.Outcome(
        attempt.instruction_id, attempt.number, Status.WAITING, reason_code="insufficient_funds", retry_after_s=3600
    )


def test_messages_that_come_again_do_not_deadlock_with_what_cancels(
    ledger: Connection, source: Connection, league: League, connect: Callable[[], Connection]
) -> None:
    players = [league.player(), league.player()]
    lines = [league.fee(player, DAY, 1_000) for player in players]
    book(ledger, source, DAY)
    first, second = ids(ledger)
    attempts.record(ledger, [_declined(attempt) for attempt in claim(ledger, [first])], ACTOR)
    # The second charge is of too much now, and is cancelled before the first, which a new one joins.
    league.fee_becomes(lines[0], 1_500)
    league.fee_becomes(lines[1], 600)
    worker, other = connect(), connect()
    with ThreadPoolExecutor(2) as threads:
        with other.transaction():
            other.execute("select from payouts.instructions where id = %s for update", (second,))
            corrected = threads.submit(book, ledger, source, DAY)
            _await_waiting(league.connection, 1)
            # Both messages at once, of which the first has come again.
            taken = threads.submit(claim, worker, [first, second])
            _await_waiting(league.connection, 2)
        taken.result(30)
        corrected.result(30)
    assert violations(ledger) == {}
