"""What `payouts doctor` says of what earlier nights have left in the ledger."""

from datetime import timedelta
from pathlib import Path

import pytest

from payouts_pipeline.domain.billing import Payee
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.doctor import ledger as ledger_looks
from payouts_pipeline.reports.doctor.diagnosis import Diagnosis, State
from payouts_pipeline.reports.doctor.setup import Setup
from payouts_pipeline.workflow import operator_actions
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import book, fingerprint, settle, unknown


@pytest.fixture
def setup(database_url: str) -> Setup:
    return Setup(frozenset(), {}, Path("dagster.yaml"), environment={"PAYOUTS_DATABASE_URL": database_url})


def left_over(setup: Setup) -> list[Diagnosis]:
    return list(ledger_looks.left_over(setup))


def test_a_ledger_with_nothing_open(setup: Setup, ledger: Connection) -> None:
    [found] = left_over(setup)
    assert (found.subject, found.state) == ("open payments", State.OK)


def test_what_waits_for_a_person_is_counted(
    setup: Setup, ledger: Connection, source: Connection, league: League
) -> None:
    held, free = league.player(), league.player()
    for player, fee_minor in ((held, 1_500), (free, 1_000)):
        league.fee(player, DAY, fee_minor)
    book(ledger, source, DAY)
    operator_actions.hold(ledger, source, Payee.parse(f"player:{held}"), "somebody", "ask first")
    before = fingerprint(ledger)
    [found] = left_over(setup)
    assert (found.subject, found.state) == ("open payments", State.WARNING)
    assert found.figures == {"count": 1, "amount_minor": {"EUR": 1_500}}
    assert "1 instruction waits for a person, for 15.00 EUR" in found.found
    assert fingerprint(ledger) == before


def test_an_outcome_that_is_unknown_for_more_than_a_day(
    setup: Setup, ledger: Connection, source: Connection, league: League
) -> None:
    league.fee(league.player(), DAY)
    book(ledger, source, DAY)
    settle(ledger, DAY, unknown)
    assert [found.state for found in left_over(setup)] == [State.OK]
    ledger.execute("update payouts.attempts set first_sent_at = first_sent_at - %s", (timedelta(hours=25),))
    [found] = left_over(setup)
    assert (found.subject, found.state, found.figures) == ("unknown outcomes", State.WARNING, {"count": 1})


def test_a_movement_that_a_person_must_judge(setup: Setup, ledger: Connection) -> None:
    ledger.execute(
        "insert into payouts.movements (provider_reference, kind, amount_minor, currency, status, created_at, found_by)"
        " values ('tr_1', 'transfer', 1000, 'EUR', 'succeeded', now(), 'somebody')"
    )
    [found] = left_over(setup)
    assert (found.subject, found.figures) == ("movements", {"count": 1})
