"""Taking up again what waited for its time, or for something in `league`; nothing else, and not before."""

from datetime import timedelta
from typing import Any

import pytest

from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.workflow.resume import resume
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import (
    ACTOR,
    Decide,
    book,
    claim,
    fingerprint,
    ids,
    instructions,
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
from payouts_tests.support.reasons import reasons, sentences


@pytest.fixture
def player(ledger: Connection, source: Connection, league: League) -> int:
    player = league.player(customer="cus_1", method="pm_1")
    league.fee(player, DAY)
    book(ledger, source, DAY)
    return player


def _status(ledger: Connection, player: int) -> str:
    return instructions(ledger, "player", player)[-1][0]


def test_nothing_to_take_up_reads_no_league(
    ledger: Connection, source: Connection, league: League, player: int
) -> None:
    league.connection.execute("drop schema league cascade")
    assert resume(ledger, source, DAY, ACTOR) == 0


def test_a_waiting_instruction_waits_for_its_time_and_then_goes_on_by_itself(
    ledger: Connection, source: Connection, player: int
) -> None:
    settle(ledger, None, waiting)
    before = fingerprint(ledger)
    assert resume(ledger, source, DAY, ACTOR) == 0
    assert fingerprint(ledger) == before
    pass_time(ledger, 1.1)
    assert resume(ledger, source, DAY, ACTOR) == 1
    assert _status(ledger, player) == "pending"
    assert [attempt.number for attempt in claim(ledger, ids(ledger))] == [2]


@pytest.mark.parametrize("decide", [waiting, rejected])
@pytest.mark.parametrize(
    ("column", "value"),
    [("stripe_customer_id", "cus_2"), ("stripe_payment_method_id", "pm_2"), ("stripe_payment_method_id", None)],
)
def test_a_new_card_or_customer_goes_on_at_once(
    ledger: Connection, source: Connection, league: League, player: int, decide: Decide, column: str, value: Any
) -> None:
    settle(ledger, None, decide)
    league.set("players", player, **{column: value})
    assert resume(ledger, source, DAY, ACTOR) == 1
    (attempt,) = claim(ledger, ids(ledger))
    assert getattr(attempt, column) == value
    assert violations(ledger) == {}


def test_a_rejected_instruction_does_not_go_on_for_time_alone(
    ledger: Connection, source: Connection, player: int
) -> None:
    settle(ledger, None, rejected)
    pass_time(ledger, 10_000)
    assert resume(ledger, source, DAY, ACTOR) == 0


def test_a_card_that_was_refused_again_is_not_tried_a_third_time_for_the_same_change(
    ledger: Connection, source: Connection, league: League, player: int
) -> None:
    settle(ledger, None, rejected)
    league.set("players", player, stripe_payment_method_id="pm_2")
    resume(ledger, source, DAY, ACTOR)
    settle(ledger, None, rejected)
    assert resume(ledger, source, DAY, ACTOR) == 0


@pytest.mark.parametrize("decide", [unknown, left_alone, settled])
def test_what_may_be_under_way_is_not_taken_up(
    ledger: Connection, source: Connection, league: League, player: int, decide: Decide
) -> None:
    settle(ledger, None, decide)
    league.set("players", player, stripe_payment_method_id="pm_2")
    assert resume(ledger, source, DAY, ACTOR) == 0


@pytest.mark.parametrize("missing", [None, ""])
def test_a_player_without_a_customer_is_held_until_there_is_one(
    ledger: Connection, source: Connection, league: League, missing: str | None
) -> None:
    player = league.player(customer=None)
    league.set("players", player, stripe_customer_id=missing)
    league.fee(player, DAY)
    book(ledger, source, DAY)
    assert reasons(ledger) == [("player_charge", "held", "the player has no Stripe customer")]
    before = fingerprint(ledger)
    book(ledger, source, DAY)
    assert fingerprint(ledger) == before
    league.set("players", player, stripe_customer_id="cus_9")
    assert book(ledger, source, DAY).instructions == 1
    assert [attempt.stripe_customer_id for attempt in claim(ledger, ids(ledger))] == ["cus_9"]


@pytest.mark.parametrize(
    ("subject", "table"), [("club", "clubs"), ("organiser", "organisers"), ("partner", "partners")]
)
def test_a_payee_without_an_account_is_held_until_there_is_one(
    ledger: Connection, source: Connection, league: League, subject: str, table: str
) -> None:
    partner = league.partner()
    shares = [(subject, partner if subject == "partner" else None, 0, 10_000)]
    league.connection.execute(f"update league.{table} set stripe_account_id = null")  # noqa: S608
    league.fee(league.player(), DAY, shares=shares)
    league.connection.execute(f"update league.{table} set stripe_account_id = null")  # noqa: S608
    book(ledger, source, DAY)
    settle(ledger)
    release(ledger, source, DAY)
    assert sentences(ledger) == [f"the {subject} has no Stripe account"]
    league.connection.execute(f"update league.{table} set stripe_account_id = 'acct_new'")  # noqa: S608
    assert release(ledger, source, DAY).instructions == 1
    assert settle(ledger) == 1
    assert violations(ledger) == {}


def test_other_days_are_left_alone(ledger: Connection, source: Connection, player: int) -> None:
    settle(ledger, None, waiting)
    pass_time(ledger, 2)
    assert resume(ledger, source, DAY + timedelta(days=1), ACTOR) == 0


def test_one_that_somebody_took_back_meanwhile_stays_so(
    ledger: Connection, source: Connection, league: League, player: int
) -> None:
    settle(ledger, None, rejected)
    league.set("players", player, stripe_payment_method_id="pm_2")
    league.connection.execute("delete from league.match_players")
    materialise(ledger, source, DAY)
    assert _status(ledger, player) == "cancelled"
    assert resume(ledger, source, DAY, ACTOR) == 0
    assert violations(ledger) == {}
