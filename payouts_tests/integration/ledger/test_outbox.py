"""The outbox: what is to be published, once, again when it is lost, and never when there is nothing to say."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from payouts_pipeline.domain.billing import PAYOUT_TYPES, BillingType
from payouts_pipeline.ledger import outbox
from payouts_pipeline.ledger.database import Connection
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import (
    book,
    claim,
    fingerprint,
    ids,
    left_alone,
    mark_published,
    pass_time,
    rejected,
    release,
    settle,
    settled,
    unknown,
    waiting,
)

CHARGES = [BillingType.PLAYER_CHARGE]
LOST_AFTER = timedelta(minutes=15)


@pytest.fixture
def charges(ledger: Connection, source: Connection, league: League) -> list[UUID]:
    """Three charges of a day."""
    for _ in range(3):
        league.fee(league.player(), DAY)
    book(ledger, source, DAY)
    return ids(ledger)


def _due(ledger: Connection, limit: int = 100, types: list[BillingType] = CHARGES, day: date = DAY) -> list[UUID]:
    return sorted(row[0] for row in outbox.to_publish(ledger, day, types, limit, LOST_AFTER).instructions)


def _in_progress(ledger: Connection) -> tuple[int, int, int]:
    found = outbox.in_progress(ledger, DAY, CHARGES)
    return found.published + found.sending, found.unknown_soon, found.unknown_later


def test_what_is_committed_and_unpublished_is_due_up_to_the_limit(ledger: Connection, charges: list[UUID]) -> None:
    assert _due(ledger) == charges
    assert _due(ledger, limit=2) == charges[:2]
    assert _due(ledger, limit=0) == []
    assert _due(ledger, limit=-5) == []
    assert outbox.to_publish(ledger, DAY, CHARGES, 1, LOST_AFTER).instructions == [(charges[0], "player_charge")]


def test_other_days_and_types_are_not_due(ledger: Connection, charges: list[UUID]) -> None:
    assert _due(ledger, day=DAY + timedelta(days=1)) == []
    assert _due(ledger, types=list(PAYOUT_TYPES)) == []
    assert outbox.is_empty(ledger, DAY, PAYOUT_TYPES)
    assert not outbox.is_empty(ledger, DAY, CHARGES)


def test_only_what_the_bus_accepted_leaves_the_outbox(ledger: Connection, charges: list[UUID]) -> None:
    mark_published(ledger, charges[:2])
    assert _due(ledger) == charges[2:]
    assert _in_progress(ledger) == (2, 0, 0)
    assert not outbox.is_empty(ledger, DAY, CHARGES)


def test_a_message_that_nobody_took_is_published_again_after_a_while(ledger: Connection, charges: list[UUID]) -> None:
    mark_published(ledger, charges)
    pass_time(ledger, 0.2)
    assert _due(ledger) == []
    pass_time(ledger, 0.1)
    assert _due(ledger, limit=0) == charges, "what may be lost does not wait for room"
    mark_published(ledger, charges)
    assert _due(ledger) == []


def test_a_run_that_starts_its_own_workers_takes_all_to_be_lost(ledger: Connection, charges: list[UUID]) -> None:
    mark_published(ledger, charges)
    assert len(outbox.to_publish(ledger, DAY, CHARGES, 10, timedelta(0)).instructions) == 3


def test_a_late_note_of_publishing_takes_nothing_back(ledger: Connection, charges: list[UUID]) -> None:
    settle(ledger, DAY, settled)
    before = fingerprint(ledger)
    mark_published(ledger, charges)
    assert fingerprint(ledger) == before


def test_a_note_of_publishing_does_not_disturb_the_worker(ledger: Connection, charges: list[UUID]) -> None:
    claim(ledger, charges)
    mark_published(ledger, charges)
    assert len(ids(ledger, DAY, "sending")) == 3


def test_an_unknown_outcome_is_published_again_once_its_time_has_come(ledger: Connection, charges: list[UUID]) -> None:
    settle(ledger, DAY, unknown)
    assert _due(ledger) == charges
    assert _in_progress(ledger) == (0, 3, 0)
    mark_published(ledger, charges)
    assert _due(ledger) == [], "published since its time came"


def test_an_outcome_that_comes_before_the_note_of_publishing_is_later(ledger: Connection, charges: list[UUID]) -> None:
    due = outbox.to_publish(ledger, DAY, CHARGES, 10, LOST_AFTER)
    settle(ledger, DAY, unknown)
    outbox.mark_published(ledger, charges, due.read_at, "a slow publisher")
    assert _due(ledger) == charges


def test_an_unknown_outcome_is_not_published_before_its_time(ledger: Connection, charges: list[UUID]) -> None:
    settle(ledger, DAY, unknown)
    ledger.execute("update payouts.instructions set retry_at = now() + interval '1 hour'")
    assert _due(ledger) == []
    assert _in_progress(ledger) == (0, 0, 3)


def test_what_a_stopped_worker_held_is_published_again_after_its_lease(ledger: Connection, charges: list[UUID]) -> None:
    settle(ledger, DAY, left_alone)
    assert _due(ledger) == []
    pass_time(ledger, 0.1)
    assert _due(ledger) == charges


@pytest.mark.parametrize("decide", [settled, waiting, rejected])
def test_what_has_an_outcome_is_not_published(ledger: Connection, charges: list[UUID], decide: object) -> None:
    assert callable(decide)
    settle(ledger, DAY, decide)
    pass_time(ledger, 1_000)
    assert _due(ledger) == []
    assert outbox.is_empty(ledger, DAY, CHARGES)
    assert _in_progress(ledger) == (0, 0, 0)


def test_held_and_retracted_instructions_are_not_published(
    ledger: Connection, source: Connection, league: League
) -> None:
    league.fee(league.player(customer=None), DAY)
    line = league.fee(league.player(), DAY)
    book(ledger, source, DAY)
    league.strike_off(line)
    book(ledger, source, DAY)
    assert _due(ledger) == []
    release(ledger, source, DAY)
    assert outbox.is_empty(ledger, DAY, list(BillingType))
