"""What a day pays out together above its limit waits for a person, however small each payout is."""

from datetime import timedelta
from typing import Any

import pytest

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.domain.limits import Limits
from payouts_pipeline.domain.splits import split
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader
from payouts_pipeline.ledger import holds
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.workflow import operator_actions, phases
from payouts_tests.support.leagues import DAY, SYDNEY, League
from payouts_tests.support.ledger_steps import (
    ACTOR,
    claim,
    fingerprint,
    ids,
    settle,
    violations,
)
from payouts_tests.support.reasons import sentences

LIMITS = Limits(day_above_minor={"EUR": 2_500})
ABOVE = "the payouts of the day are above 25.00 EUR together: waits for approval"
WHY = "a large round of matches"


def night(ledger: Connection, source: Connection, limits: Limits = LIMITS) -> None:
    splits = split(reader.fees_of_day(source, DAY, SYDNEY))
    phases.open_charges(ledger, source, DAY, splits, ACTOR, limits)
    settle(ledger)
    phases.open_payouts(ledger, source, DAY, {}, ACTOR, limits)
    settle(ledger)


def payouts(ledger: Connection) -> dict[str, int]:
    """How many payouts have which status."""
    query = "select status, count(*) from payouts.instructions where billing_type = 'club_payout' group by status"
    return dict(ledger.execute(query).fetchall())


@pytest.fixture
def clubs(league: League) -> list[int]:
    """Three that get 10.00 each."""
    found = [league.club() for _ in range(3)]
    for club in found:
        league.fee(league.player(club), DAY)
    return found


def test_payouts_that_are_above_the_limit_together_wait_and_go_once_the_day_is_approved(
    ledger: Connection, source: Connection, clubs: list[int]
) -> None:
    night(ledger, source)
    assert payouts(ledger) == {"held": 3}
    assert sentences(ledger) == [ABOVE] * 3
    assert all(is_of_day for *_, is_of_day in holds.list_wanted_approvals(ledger))
    before = fingerprint(ledger)
    night(ledger, source)
    assert fingerprint(ledger) == before
    assert operator_actions.approve_day(ledger, DAY, "cli ada", WHY) == [("EUR", 3, 3_000)]
    assert sentences(ledger) == [f"approved: {WHY}"] * 3
    night(ledger, source)
    assert payouts(ledger) == {"settled": 3}
    with pytest.raises(PayoutsError, match="waits for an approval of the day"):
        operator_actions.approve_day(ledger, DAY, "cli ada", WHY)
    assert violations(ledger) == {}


def test_the_limit_itself_and_other_currencies_need_no_approval(
    ledger: Connection, source: Connection, league: League, clubs: list[int]
) -> None:
    league.fee(league.player(clubs[0]), DAY, 900_000, currency="USD")
    night(ledger, source, Limits(day_above_minor={"EUR": 3_000}))
    assert payouts(ledger) == {"settled": 4}


def test_what_comes_on_top_of_a_day_that_was_paid_waits(
    ledger: Connection, source: Connection, league: League, clubs: list[int]
) -> None:
    night(ledger, source, Limits(day_above_minor={"EUR": 3_000}))
    assert payouts(ledger) == {"settled": 3}
    league.fee(league.player(clubs[0]), DAY)
    night(ledger, source, Limits(day_above_minor={"EUR": 3_000}))
    assert payouts(ledger) == {"settled": 3, "held": 1}


def test_no_means_to_cancel_and_what_is_made_then_waits_again(
    ledger: Connection, source: Connection, clubs: list[int]
) -> None:
    night(ledger, source)
    for payout in ids(ledger, None, "held"):
        operator_actions.cancel(ledger, payout, "cli ada", "not yet")
    assert payouts(ledger) == {"cancelled": 3}
    night(ledger, source)
    assert payouts(ledger) == {"cancelled": 3, "held": 3}
    assert violations(ledger) == {}


@pytest.mark.parametrize("also", ["on hold", "no account", "above its own limit"])
def test_what_something_else_holds_too_waits_for_both_and_is_written_once(
    ledger: Connection, source: Connection, league: League, clubs: list[int], also: str
) -> None:
    limits = LIMITS
    if also == "on hold":
        operator_actions.hold(ledger, source, Payee(BillingSubject.CLUB, clubs[0]), "cli bob", "asked to")
    elif also == "no account":
        league.set("clubs", clubs[0], stripe_account_id=None)
    else:
        league.fee(league.player(clubs[0]), DAY)
        limits = Limits({"EUR": 1_500}, day_above_minor={"EUR": 2_500})
    night(ledger, source, limits)
    assert payouts(ledger) == {"held": 3}
    before = fingerprint(ledger)
    night(ledger, source, limits)
    assert fingerprint(ledger) == before
    operator_actions.approve_day(ledger, DAY, "cli ada", WHY)
    night(ledger, source, limits)
    assert payouts(ledger) == {"held": 1, "settled": 2}
    said: dict[str, Any] = {
        "on hold": "on hold: asked to",
        "no account": "the club has no Stripe account",
        "above its own limit": "above 15.00 EUR: waits for approval",
    }
    assert sentences(ledger) == [said[also]]
    if also == "no account":
        league.set("clubs", clubs[0], stripe_account_id="acct_late")
        night(ledger, source, limits)
        assert sentences(ledger) == [ABOVE]


def test_an_account_that_changes_after_the_approval_of_the_day_asks_again(
    ledger: Connection, source: Connection, league: League, clubs: list[int]
) -> None:
    night(ledger, source)
    operator_actions.approve_day(ledger, DAY, "cli ada", WHY)
    league.set("clubs", clubs[0], stripe_account_id="acct_mine")
    night(ledger, source, Limits(account_rest=timedelta(hours=24), day_above_minor=LIMITS.day_above_minor))
    assert payouts(ledger) == {"held": 1, "settled": 2}
    assert sentences(ledger) == [ABOVE]


def test_a_worker_sends_nothing_of_such_a_day_whatever_the_status_says(
    ledger: Connection, source: Connection, clubs: list[int]
) -> None:
    night(ledger, source)
    ledger.execute("update payouts.instructions set status = 'pending', reason_code = 'by_hand' where status = 'held'")
    assert claim(ledger, ids(ledger)) == []


def test_who_has_confirmed_an_account_approves_the_rest_of_the_day(
    ledger: Connection, source: Connection, league: League, clubs: list[int]
) -> None:
    league.set("clubs", clubs[1], stripe_account_id=f"acct_{clubs[0]}")
    night(ledger, source)
    operator_actions.confirm_account(ledger, Payee(BillingSubject.CLUB, clubs[1]), "cli ada", WHY)
    assert operator_actions.approve_day(ledger, DAY, "cli ada", WHY) == [("EUR", 2, 2_000)]
    with pytest.raises(PayoutsError, match="another person must approve"):
        operator_actions.approve_day(ledger, DAY, "ui Ada", WHY)
    assert operator_actions.approve_day(ledger, DAY, "cli bob", WHY) == [("EUR", 1, 1_000)]
    night(ledger, source)
    assert payouts(ledger) == {"settled": 3}
