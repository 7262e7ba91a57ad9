"""What is above the limit waits for a person; what a person cancels stands on the account again."""

from uuid import UUID, uuid4

import pytest

from payouts_pipeline.domain.limits import NO_LIMITS, Limits
from payouts_pipeline.domain.splits import split
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.league import reader as league_reader
from payouts_pipeline.ledger import holds
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.workflow import operator_actions, phases
from payouts_tests.support.leagues import DAY, SYDNEY, League
from payouts_tests.support.ledger_steps import (
    ACTOR,
    Decide,
    account,
    book,
    claim,
    fingerprint,
    ids,
    instructions,
    left_alone,
    materialise,
    rejected,
    release,
    settle,
    settle_cancellations,
    settled,
    unknown,
    violations,
    waiting,
)
from payouts_tests.support.reasons import sentences

LIMITS = Limits({"EUR": 100_000})


@pytest.fixture
def player(league: League) -> int:
    """A player who owes 1,500.00 for a match."""
    player = league.player(method="pm_1")
    league.fee(player, DAY, 150_000)
    return player


def move(ledger: Connection, source: Connection, limits: Limits = LIMITS) -> None:
    """Both assets of the day, with a limit."""
    splits = split(league_reader.fees_of_day(source, DAY, SYDNEY))
    phases.open_charges(ledger, source, DAY, splits, ACTOR, limits)
    settle(ledger)
    phases.open_payouts(ledger, source, DAY, {}, ACTOR, limits)
    settle(ledger)


def held(ledger: Connection) -> UUID:
    (row,) = ledger.execute("select id from payouts.instructions where status = 'held'").fetchall()
    return UUID(str(row[0]))


def approve(ledger: Connection, instruction_id: UUID) -> None:
    operator_actions.approve(ledger, instruction_id, "cli ada", "checked with the club")


def cancel(ledger: Connection, instruction_id: UUID) -> None:
    operator_actions.cancel(ledger, instruction_id, "cli ada", "wrong terms")
    settle_cancellations(ledger)


def test_an_amount_above_the_limit_waits_and_goes_once_approved(
    ledger: Connection, source: Connection, player: int
) -> None:
    move(ledger, source)
    assert sentences(ledger) == ["above 1,000.00 EUR: waits for approval"]
    before = fingerprint(ledger)
    move(ledger, source)
    assert fingerprint(ledger) == before
    approve(ledger, held(ledger))
    assert sentences(ledger) == ["approved: checked with the club"]
    move(ledger, source)
    assert instructions(ledger, "player", player) == [("settled", 150_000)]
    # The club's payout is above the limit, too, and wants an approval of its own.
    assert sentences(ledger) == ["above 1,000.00 EUR: waits for approval"]
    approve(ledger, held(ledger))
    move(ledger, source)
    assert sentences(ledger) == []
    assert violations(ledger) == {}


def test_the_limit_itself_and_other_currencies_need_no_approval(
    ledger: Connection, source: Connection, league: League
) -> None:
    league.fee(league.player(method="pm_1"), DAY, 100_000)
    league.fee(league.player(method="pm_1"), DAY, 900_000, currency="USD")
    move(ledger, source)
    assert sentences(ledger) == []


def test_a_limit_that_is_lifted_lets_nothing_go_that_was_made_under_it(
    ledger: Connection, source: Connection, player: int
) -> None:
    move(ledger, source)
    move(ledger, source, NO_LIMITS)
    assert instructions(ledger, "player", player) == [("held", 150_000)]


def test_a_new_card_does_not_get_around_an_approval(
    ledger: Connection, source: Connection, league: League, player: int
) -> None:
    league.set("players", player, stripe_customer_id=None)
    move(ledger, source)
    league.set("players", player, stripe_customer_id="cus_new", stripe_payment_method_id="pm_new")
    move(ledger, source)
    assert instructions(ledger, "player", player) == [("held", 150_000)]


def test_another_account_asks_for_an_approval_again(
    ledger: Connection, source: Connection, league: League, player: int
) -> None:
    """A person approved the payout to one account; whoever can write to `league` must not lead it to another."""
    move(ledger, source)
    approve(ledger, held(ledger))
    move(ledger, source)
    payout = held(ledger)
    approve(ledger, payout)
    [(club,)] = ledger.execute("select club_id from league.players where id = %s", (player,)).fetchall()
    league.set("clubs", club, stripe_account_id="acct_other")
    move(ledger, source)
    assert instructions(ledger, "club", club) == [("held", 150_000)]
    assert sentences(ledger) == ["above 1,000.00 EUR: waits for approval"]
    before = fingerprint(ledger)
    move(ledger, source)
    assert fingerprint(ledger) == before
    approve(ledger, payout)
    move(ledger, source)
    paid = ledger.execute(
        "select stripe_account_id from payouts.attempts where outcome = 'settled' and instruction_id = %s", (payout,)
    )
    assert paid.fetchall() == [("acct_other",)]
    assert violations(ledger) == {}


@pytest.mark.parametrize("decide", [waiting, rejected])
def test_a_refused_payout_asks_again_for_a_new_account_and_not_for_the_old_one(
    ledger: Connection, source: Connection, league: League, player: int, decide: Decide
) -> None:
    move(ledger, source)
    approve(ledger, held(ledger))
    move(ledger, source)
    payout = held(ledger)
    approve(ledger, payout)
    phases.open_payouts(ledger, source, DAY, {}, ACTOR, LIMITS)
    settle(ledger, None, decide)
    [(club, account_before)] = ledger.execute("select id, stripe_account_id from league.clubs").fetchall()
    league.set("clubs", club, stripe_account_id="acct_other")
    move(ledger, source)
    assert sentences(ledger) == ["above 1,000.00 EUR: waits for approval"]
    league.set("clubs", club, stripe_account_id=account_before)
    move(ledger, source)
    assert instructions(ledger, "club", club) == [("settled", 150_000)]
    assert violations(ledger) == {}


def test_a_worker_sends_nothing_to_an_account_that_nobody_has_approved(
    ledger: Connection, source: Connection, player: int
) -> None:
    move(ledger, source)
    approve(ledger, held(ledger))
    ledger.execute("update payouts.instructions set status = 'pending', stripe_customer_id = 'cus_other'")
    assert claim(ledger, ids(ledger)) == []


def test_an_approval_is_for_all_attempts(ledger: Connection, source: Connection, league: League, player: int) -> None:
    move(ledger, source)
    approve(ledger, held(ledger))
    phases.open_payouts(ledger, source, DAY, {}, ACTOR, LIMITS)
    settle(ledger, None, rejected)
    league.set("players", player, stripe_payment_method_id="pm_new")
    move(ledger, source)
    assert instructions(ledger, "player", player) == [("settled", 150_000)]


def test_a_worker_sends_nothing_without_the_approval_whatever_the_status_says(
    ledger: Connection, source: Connection, player: int
) -> None:
    move(ledger, source)
    ledger.execute("update payouts.instructions set status = 'pending', reason_code = 'by_hand'")
    assert claim(ledger, ids(ledger)) == []


def test_what_waits_is_listed_until_it_is_approved_once(ledger: Connection, source: Connection, player: int) -> None:
    move(ledger, source)
    waits = held(ledger)
    assert holds.list_wanted_approvals(ledger) == [
        (waits, DAY, "player_charge", "EUR", 150_000, f"player:{player}", False)
    ]
    approve(ledger, waits)
    assert holds.list_wanted_approvals(ledger) == []
    with pytest.raises(PayoutsError, match="approved already"):
        approve(ledger, waits)
    events = ledger.execute("select from_status, to_status, actor from payouts.events order by id").fetchall()
    assert events == [(None, "held", ACTOR), ("held", "held", "cli ada")]


def test_what_needs_no_approval_or_does_not_exist_says_so(
    ledger: Connection, source: Connection, league: League
) -> None:
    league.fee(league.player(), DAY)
    book(ledger, source, DAY)
    with pytest.raises(PayoutsError, match="needs no approval"):
        approve(ledger, ids(ledger)[0])
    for act in (approve, cancel):
        with pytest.raises(PayoutsError, match="There is no instruction"):
            act(ledger, uuid4())


@pytest.mark.parametrize("decide", [None, waiting, rejected])
def test_a_cancelled_charge_stands_on_the_account_again_and_is_made_anew(
    ledger: Connection, source: Connection, player: int, decide: Decide | None
) -> None:
    book(ledger, source, DAY)
    if decide:
        settle(ledger, None, decide)
    cancel(ledger, ledger.execute("select id from payouts.instructions").fetchall()[0][0])
    assert account(ledger, "player", player) == (150_000, 0, 0, 0)
    assert sentences(ledger) == ["cancelled: wrong terms"]
    assert violations(ledger) == {}
    materialise(ledger, source, DAY)
    assert instructions(ledger, "player", player) == [("cancelled", 150_000), ("settled", 150_000)]
    assert violations(ledger) == {}


def test_a_cancelled_payout_is_made_anew_with_an_approval_of_its_own(
    ledger: Connection, source: Connection, player: int
) -> None:
    book(ledger, source, DAY)
    settle(ledger)
    phases.open_payouts(ledger, source, DAY, {}, ACTOR, LIMITS)
    first = held(ledger)
    approve(ledger, first)
    cancel(ledger, first)
    with pytest.raises(PayoutsError, match="is cancelled"):
        approve(ledger, first)
    phases.open_payouts(ledger, source, DAY, {}, ACTOR, LIMITS)
    assert held(ledger) != first
    assert violations(ledger) == {}


@pytest.mark.parametrize(
    ("decide", "sentence"),
    [(left_alone, "is being sent"), (unknown, "may have moved"), (settled, "its money has moved")],
)
def test_what_may_have_moved_cannot_be_cancelled(
    ledger: Connection, source: Connection, player: int, decide: Decide, sentence: str
) -> None:
    book(ledger, source, DAY)
    (charge,) = ids(ledger)
    settle(ledger, None, decide)
    before = fingerprint(ledger)
    with pytest.raises(PayoutsError, match=sentence):
        cancel(ledger, charge)
    assert fingerprint(ledger) == before


def test_a_second_cancel_does_nothing(ledger: Connection, source: Connection, player: int) -> None:
    book(ledger, source, DAY)
    (charge,) = ids(ledger)
    cancel(ledger, charge)
    with pytest.raises(PayoutsError, match="cancelled already"):
        cancel(ledger, charge)
    assert account(ledger, "player", player) == (150_000, 0, 0, 0)
    assert release(ledger, source, DAY).instructions == 0
