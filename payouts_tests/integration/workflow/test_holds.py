"""A payee on hold is neither charged nor paid, whatever else happens, and goes on once it is released."""

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import attempts, holds
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settlement.attempt_execution import execute
from payouts_pipeline.settlement.stripe_answers import Answer, Found, Succeeded
from payouts_pipeline.settlement.stripe_client import StripeClient
from payouts_pipeline.workflow import operator_actions
from payouts_tests.conftest import Connect
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
    unknown,
    violations,
    waiting,
)
from payouts_tests.support.reasons import sentences


@pytest.fixture
def club(league: League) -> int:
    """A club that gets 10.00 for the one fee of the day."""
    club = league.club()
    league.fee(league.player(club, method="pm_1"), DAY)
    return club


def hold(ledger: Connection, source: Connection, club: int, subject: BillingSubject = BillingSubject.CLUB) -> None:
    operator_actions.hold(ledger, source, Payee(subject, club), "cli ada", "fraud suspected")


def let_go(ledger: Connection, club: int) -> None:
    operator_actions.unhold(ledger, Payee(BillingSubject.CLUB, club), "cli bob", "cleared")


def payout(ledger: Connection) -> UUID:
    row = ledger.execute("select id from payouts.instructions where billing_type = 'club_payout'").fetchone()
    assert row
    return UUID(str(row[0]))


def test_what_is_made_for_a_payee_on_hold_is_held_with_the_persons_reason(
    ledger: Connection, source: Connection, club: int
) -> None:
    hold(ledger, source, club)
    materialise(ledger, source, DAY)
    assert instructions(ledger, "club", club) == [("held", 1_000)]
    assert sentences(ledger) == ["on hold: fraud suspected"]
    assert violations(ledger) == {}
    before = fingerprint(ledger)
    materialise(ledger, source, DAY)
    assert fingerprint(ledger) == before


def test_a_released_hold_pays_on_the_next_materialisation(ledger: Connection, source: Connection, club: int) -> None:
    hold(ledger, source, club)
    materialise(ledger, source, DAY)
    let_go(ledger, club)
    assert sentences(ledger) == ["the hold was lifted: cleared"]
    assert claim(ledger, [payout(ledger)]) == []
    materialise(ledger, source, DAY)
    assert instructions(ledger, "club", club) == [("settled", 1_000)]
    assert violations(ledger) == {}


@pytest.mark.parametrize("decide", [None, waiting, rejected])
def test_what_is_not_under_way_is_held_back_at_once(
    ledger: Connection, source: Connection, club: int, decide: Decide | None
) -> None:
    book(ledger, source, DAY)
    settle(ledger)
    release(ledger, source, DAY)
    if decide:
        settle(ledger, None, decide)
    hold(ledger, source, club)
    assert instructions(ledger, "club", club) == [("held", 1_000)]
    assert claim(ledger, [payout(ledger)]) == []
    assert violations(ledger) == {}


@pytest.mark.parametrize("decide", [left_alone, unknown])
def test_what_is_under_way_is_named_and_left_alone(
    ledger: Connection, source: Connection, club: int, decide: Decide
) -> None:
    book(ledger, source, DAY)
    settle(ledger)
    release(ledger, source, DAY)
    settle(ledger, None, decide)
    held = operator_actions.hold(ledger, source, Payee(BillingSubject.CLUB, club), "cli ada", "fraud suspected")
    assert (held.held, held.in_progress) == (0, [payout(ledger)])


def test_what_waits_for_its_time_still_waits_for_it_after_the_release(
    ledger: Connection, source: Connection, club: int
) -> None:
    book(ledger, source, DAY)
    settle(ledger)
    release(ledger, source, DAY)
    settle(ledger, None, waiting)
    hold(ledger, source, club)
    release(ledger, source, DAY)
    let_go(ledger, club)
    release(ledger, source, DAY)
    assert instructions(ledger, "club", club) == [("held", 1_000)]
    pass_time(ledger, 1.1)
    release(ledger, source, DAY)
    assert instructions(ledger, "club", club) == [("pending", 1_000)]


@pytest.mark.parametrize("decide", [waiting, rejected])
def test_neither_its_time_nor_a_new_account_gets_around_a_hold(
    ledger: Connection, source: Connection, league: League, club: int, decide: Decide
) -> None:
    book(ledger, source, DAY)
    settle(ledger)
    release(ledger, source, DAY)
    (attempt,) = claim(ledger, [payout(ledger)])
    hold(ledger, source, club)
    # It is refused while the payee is on hold already.
    refused = decide(attempt)
    assert refused
    attempts.record(ledger, [refused], ACTOR)
    league.set("clubs", club, stripe_account_id="acct_new")
    pass_time(ledger, 2)
    release(ledger, source, DAY)
    assert instructions(ledger, "club", club) == [("held", 1_000)]
    let_go(ledger, club)
    release(ledger, source, DAY)
    (again,) = claim(ledger, ids(ledger))
    assert (again.number, again.stripe_account_id) == (2, "acct_new")


def test_a_message_for_a_payee_on_hold_sends_nothing_whatever_the_instruction_says(
    ledger: Connection, source: Connection, club: int
) -> None:
    """The last guard: a hold placed before the payee's first account existed found nothing to hold back."""
    book(ledger, source, DAY)
    settle(ledger)
    release(ledger, source, DAY)
    ledger.execute(
        "insert into payouts.holds (subject, subject_id, is_hold, actor, reason) values ('club', %s, true, 'a', 'b')",
        (club,),
    )
    assert claim(ledger, [payout(ledger)]) == []
    assert instructions(ledger, "club", club) == [("held", 1_000)]
    assert ledger.execute(
        "select count(*) from payouts.attempts where instruction_id = %s", (payout(ledger),)
    ).fetchall() == [(0,)]


class OnlyAsked(StripeClient):
    """Knows of no movement, or of one; to send through it fails the test."""

    def __init__(self, found: Answer | None) -> None:
        self.found = found

    def find(self, attempt: object) -> Found:
        return Found(self.found)

    def send(self, attempt: object, leased_until: float) -> Answer:
        raise AssertionError("money was sent for a payee on hold")


@pytest.mark.parametrize(
    ("hours", "found", "becomes"), [(1, None, "unknown"), (30, None, "waiting"), (1, Succeeded("tr_1"), "settled")]
)
def test_the_unknown_of_a_payee_on_hold_is_asked_for_and_never_sent_again(
    ledger: Connection, source: Connection, club: int, hours: float, found: Answer | None, becomes: str
) -> None:
    book(ledger, source, DAY)
    settle(ledger)
    release(ledger, source, DAY)
    settle(ledger, None, unknown)
    hold(ledger, source, club)
    pass_time(ledger, hours)
    (attempt,) = claim(ledger, [payout(ledger)])
    outcome = execute(attempt, OnlyAsked(found), None, float("inf"))  # type: ignore[arg-type]
    assert outcome.status == becomes
    assert attempts.record(ledger, [outcome], ACTOR) == [payout(ledger)]
    assert violations(ledger) == {}


def test_a_player_on_hold_is_not_charged(ledger: Connection, source: Connection, league: League) -> None:
    player = league.player(method="pm_1")
    league.fee(player, DAY)
    hold(ledger, source, player, BillingSubject.PLAYER)
    materialise(ledger, source, DAY)
    assert instructions(ledger, "player", player) == [("held", 1_000)]


def test_others_are_paid_meanwhile(ledger: Connection, source: Connection, league: League, club: int) -> None:
    other = league.club()
    league.fee(league.player(other, method="pm_1"), DAY)
    hold(ledger, source, club)
    materialise(ledger, source, DAY)
    assert instructions(ledger, "club", other) == [("settled", 1_000)]


def test_a_missing_account_is_the_reason_that_is_left_after_the_release(
    ledger: Connection, source: Connection, league: League, club: int
) -> None:
    league.set("clubs", club, stripe_account_id=None)
    hold(ledger, source, club)
    materialise(ledger, source, DAY)
    let_go(ledger, club)
    assert sentences(ledger) == ["the club has no Stripe account"]


def test_the_history_says_who_held_and_who_released(ledger: Connection, source: Connection, club: int) -> None:
    book(ledger, source, DAY)
    settle(ledger)
    release(ledger, source, DAY)
    hold(ledger, source, club)
    let_go(ledger, club)
    events = ledger.execute(
        "select from_status, to_status, actor from payouts.events where instruction_id = %s order by id",
        (payout(ledger),),
    ).fetchall()
    assert events == [(None, "pending", ACTOR), ("pending", "held", "cli ada"), ("held", "held", "cli bob")]
    rows = ledger.execute("select is_hold, actor, reason from payouts.holds order by id").fetchall()
    assert rows == [(True, "cli ada", "fraud suspected"), (False, "cli bob", "cleared")]
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        ledger.execute("delete from payouts.holds")


def test_a_hold_of_nobody_a_second_hold_and_a_release_without_one_are_refused(
    ledger: Connection, source: Connection, club: int
) -> None:
    with pytest.raises(PayoutsError, match="There is no club:999999"):
        hold(ledger, source, 999_999)
    with pytest.raises(PayoutsError, match="is not on hold"):
        let_go(ledger, club)
    hold(ledger, source, club)
    with pytest.raises(PayoutsError, match="on hold: fraud suspected"):
        hold(ledger, source, club)
    assert [row[0] for row in holds.list_holds(ledger)] == [f"club:{club}"]


def test_a_hold_waits_for_a_day_that_is_just_making_instructions(
    connect: Connect, ledger: Connection, source: Connection, club: int
) -> None:
    book(ledger, source, DAY)
    settle(ledger)
    ledger.execute("set lock_timeout = '200ms'")
    with connect() as other, other.transaction():
        other.execute("select id from payouts.accounts where subject = 'club' for no key update")
        with pytest.raises(PayoutsError, match=r"keeps a lock on payouts\.accounts"):
            hold(ledger, source, club)
    assert ledger.execute("select count(*) from payouts.holds").fetchall() == [(0,)]


def test_days_on_either_side_are_held_too(ledger: Connection, source: Connection, league: League, club: int) -> None:
    later = DAY + timedelta(days=1)
    league.fee(league.player(club, method="pm_1"), later)
    hold(ledger, source, club)
    materialise(ledger, source, DAY)
    materialise(ledger, source, later)
    assert instructions(ledger, "club", club) == [("held", 1_000), ("held", 1_000)]
    let_go(ledger, club)
    materialise(ledger, source, DAY)
    assert instructions(ledger, "club", club) == [("settled", 1_000), ("held", 1_000)]
