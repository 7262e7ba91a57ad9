"""Who waits for whom: one run of a day at a time, and one worker for an instruction."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, timedelta

import psycopg
import pytest

from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.locks import only_run_of
from payouts_tests.conftest import Connect
from payouts_tests.support.leagues import League
from payouts_tests.support.ledger_steps import book, claim, ids, mark_published, pass_time

_DAY = date(2026, 5, 2)


def _run(connection: Connection, day: date, said: list[str]) -> None:
    with only_run_of(connection, day, said.append):
        said.append("ran")


def test_a_second_run_of_a_day_waits_until_the_first_has_ended(connect: Connect) -> None:
    said: list[str] = []
    with ThreadPoolExecutor(1) as threads:
        with only_run_of(connect(), _DAY, said.append):
            second = threads.submit(_run, connect(), _DAY, said)
            with pytest.raises(TimeoutError):
                second.result(0.3)
            [reason] = said
            assert "waiting" in reason
        second.result(10)
    assert said[1:] == ["ran"]


def test_another_day_does_not_wait(connect: Connect) -> None:
    said: list[str] = []
    with only_run_of(connect(), _DAY, said.append):
        _run(connect(), _DAY + timedelta(days=1), said)
    assert said == ["ran"]


def test_a_run_that_died_is_not_waited_for(connect: Connect) -> None:
    said: list[str] = []
    first = connect()
    with suppress(psycopg.OperationalError), only_run_of(first, _DAY, said.append):
        first.close()
        _run(connect(), _DAY, said)
    assert said[-1] == "ran"


def test_a_claim_that_is_not_committed_yet_keeps_other_workers_away(
    ledger: Connection, source: Connection, connect: Connect, league: League
) -> None:
    league.fee(league.player(), _DAY)
    book(ledger, source, _DAY)
    [charge] = ids(ledger)
    # While it is pending, noting that it was published takes a lock of its own.
    mark_published(ledger, [charge])
    with ThreadPoolExecutor(1) as threads:
        with ledger.transaction():
            assert claim(ledger, [charge])
            second = threads.submit(claim, connect(), [charge])
            with suppress(TimeoutError):
                second.result(0.3)
        assert second.result(10) == []


def test_a_claim_waits_for_the_note_that_the_message_was_published_again(
    ledger: Connection, source: Connection, connect: Connect, league: League
) -> None:
    league.fee(league.player(), _DAY)
    book(ledger, source, _DAY)
    [charge] = ids(ledger)
    claim(ledger, [charge])
    pass_time(ledger, 1)
    with ThreadPoolExecutor(1) as threads:
        with ledger.transaction():
            mark_published(ledger, [charge])
            other = threads.submit(claim, connect(), [charge])
            with suppress(TimeoutError):
                other.result(0.3)
        # Its message is deleted after this: an empty claim would leave it alone until the message counts as lost.
        assert [attempt.instruction_id for attempt in other.result(10)] == [charge]
