"""What is taken back at a real emulator takes fees, shares and payouts back here, and is not asked for again."""

from typing import Any

import pytest

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import instructions, returns
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.audit import audit
from payouts_pipeline.reports.status import day_status
from payouts_pipeline.workflow import operator_actions
from payouts_tests.support.emulated_stripe import EmulatedStripe
from payouts_tests.support.explaining import Explain
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import account, fingerprint, violations
from payouts_tests.support.stripe_books import Books, make_books

SHARES = (("club", None, 0, 7_000), ("organiser", None, 0, 2_000), ("platform", None, 0, 1_000))


@pytest.fixture
def player(books: Books) -> int:
    ((found,),) = books.ledger.execute("select id from league.players").fetchall()
    return int(found)


def refund(books: Books, amount: int | None = None) -> str:
    given: Any = {"payment_intent": books.references()[0], **({"amount": amount} if amount else {})}
    made = books.emulator.sdk().v1.refunds.create(given)
    books.sync()
    return made.id


def positions(books: Books, player: int) -> tuple[tuple[int, int, int, int], tuple[int, int, int, int]]:
    """Booked, released, in flight, settled; of the player and of the club."""
    return account(books.ledger, "player", player), account(books.ledger, "club", books.club)


def nothing_wrong(books: Books) -> None:
    books.assert_equal()
    assert violations(books.ledger) == {}
    assert audit(books.ledger, None, {}, full=True).errors == []


def nothing_moves(books: Books) -> None:
    """However often the day is materialised."""
    before, calls = fingerprint(books.ledger), books.stripe.calls
    books.settle()
    books.settle()
    assert fingerprint(books.ledger) == before
    assert books.stripe.calls == calls


def held(books: Books, player: int) -> dict[str, int]:
    return returns.held(books.ledger, Payee(BillingSubject.PLAYER, player))


def charges(books: Books) -> list[int]:
    return [row.amount for row in books.emulator.admin.journal() if row.kind == "charge"]


def test_a_refund_takes_the_fee_and_the_share_back_and_nobody_is_charged_again(books: Books, player: int) -> None:
    refund(books)
    assert positions(books, player) == ((1_000, 0, 0, 0), (1_000, 0, 0, 1_000))
    nothing_wrong(books)
    nothing_moves(books)
    assert held(books, player) == {"EUR": 1_000}


def test_a_refund_shows_in_status_and_in_explain_with_what_to_do(books: Books, player: int) -> None:
    refund(books, 400)
    lines = [(line.billing_type, line.status, line.amount_minor) for line in day_status(books.ledger, DAY).instructions]
    assert ("player_charge", "held", 400) in lines
    said = repr(Explain(books.ledger, books.source).player_day(player, DAY))
    assert "Stripe took it back" in said
    assert f"payouts unhold player:{player}" in said


def test_two_partial_refunds_take_back_their_parts(books: Books, player: int) -> None:
    refund(books, 333)
    nothing_wrong(books)
    assert positions(books, player) == ((1_000, 667, 0, 667), (1_000, 667, 0, 1_000))
    refund(books, 667)
    assert positions(books, player) == ((1_000, 0, 0, 0), (1_000, 0, 0, 1_000))
    nothing_wrong(books)
    nothing_moves(books)


def test_a_credit_that_was_given_back_is_no_credit_any_more(books: Books, player: int) -> None:
    """The fee was struck off, so that nothing of it can be taken back; what the credit had paid for is owed again."""
    books.ledger.execute("delete from league.match_players")
    books.league.fee(player, DAY, 400)
    books.settle()
    assert positions(books, player)[0] == (400, 400, 0, 1_000)
    refund(books)
    assert positions(books, player)[0] == (400, 400, 0, 0)
    assert held(books, player) == {"EUR": 400}
    nothing_wrong(books)
    nothing_moves(books)
    operator_actions.unhold(books.ledger, Payee(BillingSubject.PLAYER, player), "somebody", "asked for")
    assert list(instructions.days_due(books.ledger)) == [DAY]
    books.settle()
    books.sync()
    assert charges(books) == [1_000, 400]
    assert instructions.days_due(books.ledger) == {}
    nothing_wrong(books)


def test_who_has_a_credit_in_a_fee_that_is_held_is_charged_for_nothing_else(books: Books, player: int) -> None:
    """A part was given back, and then the fee was lowered far below what is left: found by the random histories."""
    refund(books, 10)
    books.ledger.execute("update league.fee_structures set fee_minor = 100")
    books.settle()
    books.league.fee(player, DAY, 600)
    books.settle()
    assert charges(books) == [1_000], "990 were paid for 700"
    assert positions(books, player)[0] == (700, 990, 0, 990)
    nothing_wrong(books)
    nothing_moves(books)
    operator_actions.unhold(books.ledger, Payee(BillingSubject.PLAYER, player), "somebody", "looked into")
    books.settle()
    assert charges(books) == [1_000]
    assert positions(books, player) == ((700, 700, 0, 990), (700, 700, 0, 1_000)), "paid for by the credit"
    nothing_wrong(books)


def test_more_than_was_ever_paid_is_owed_and_held(books: Books, player: int) -> None:
    """A refund and a dispute of one charge, whose fee was struck off."""
    books.ledger.execute("delete from league.match_players")
    books.settle()
    refund(books)
    assert held(books, player) == {}
    intent = books.emulator.sdk().v1.payment_intents.retrieve(books.references()[0])
    books.emulator.admin.open_dispute(str(intent.latest_charge), 100)
    books.sync()
    assert held(books, player) == {"EUR": 100}
    nothing_wrong(books)
    nothing_moves(books)


def test_what_a_person_lifts_is_charged_again_and_the_club_is_not_paid_twice(books: Books, player: int) -> None:
    refund(books)
    operator_actions.unhold(books.ledger, Payee(BillingSubject.PLAYER, player), "somebody", "paid by mistake")
    books.settle()
    books.sync()
    assert charges(books) == [1_000, 1_000]
    assert positions(books, player) == ((1_000, 1_000, 0, 1_000), (1_000, 1_000, 0, 1_000))
    nothing_wrong(books)
    nothing_moves(books)
    with pytest.raises(PayoutsError, match="is not on hold"):
        operator_actions.unhold(books.ledger, Payee(BillingSubject.PLAYER, player), "somebody", "again")


def test_the_payee_works_off_what_was_taken_back(books: Books, player: int) -> None:
    refund(books)
    books.player_owes(1_500)
    books.settle()
    books.sync()
    assert account(books.ledger, "club", books.club) == (2_500, 1_500, 0, 1_500)
    nothing_wrong(books)


def test_shares_that_were_not_paid_yet_are_never_paid(
    ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe
) -> None:
    books = make_books(ledger, source, league, emulator)
    player = books.player_owes()
    league.set("clubs", books.club, stripe_account_id=None)
    books.settle()
    books.sync()
    refund(books)
    league.set("clubs", books.club, stripe_account_id="acct_club")
    books.settle()
    books.sync()
    assert [row.kind for row in emulator.admin.journal()] == ["charge", "refund"]
    assert positions(books, player) == ((1_000, 0, 0, 0), (1_000, 0, 0, 0))
    nothing_wrong(books)


def test_a_dispute_holds_the_player_and_is_undone_when_it_is_won(books: Books, player: int) -> None:
    intent = books.emulator.sdk().v1.payment_intents.retrieve(books.references()[0])
    dispute = books.emulator.admin.open_dispute(str(intent.latest_charge))
    books.sync()
    assert positions(books, player) == ((1_000, 0, 0, 0), (1_000, 0, 0, 1_000))
    nothing_wrong(books)
    on_hold = books.ledger.execute("select subject, subject_id, actor from payouts.held_payees").fetchall()
    assert on_hold == [("player", player, "stripe")]

    books.emulator.admin.end_dispute(dispute["id"], is_won=True)
    books.sync()
    assert positions(books, player) == ((1_000, 1_000, 0, 1_000), (1_000, 1_000, 0, 1_000))
    nothing_wrong(books)
    nothing_moves(books)
    assert held(books, player) == {}


def test_a_refund_that_fails_brings_the_fee_back(books: Books, player: int) -> None:
    made = refund(books)
    books.emulator.admin.end_refund(made, failure_reason="lost_or_stolen_card")
    books.sync()
    assert positions(books, player) == ((1_000, 1_000, 0, 1_000), (1_000, 1_000, 0, 1_000))
    nothing_wrong(books)
    nothing_moves(books)


def test_a_correction_of_a_fee_that_was_taken_back_is_held_with_it(books: Books, player: int) -> None:
    refund(books)
    ((match_player,),) = books.ledger.execute("select id from league.match_players").fetchall()
    books.league.fee_becomes(match_player, 600)
    books.settle()
    assert held(books, player) == {"EUR": 600}
    assert positions(books, player) == ((600, 0, 0, 0), (600, 0, 0, 1_000))
    nothing_wrong(books)
    operator_actions.unhold(books.ledger, Payee(BillingSubject.PLAYER, player), "somebody", "it is owed")
    books.settle()
    books.sync()
    assert charges(books) == [1_000, 600]
    assert positions(books, player) == ((600, 600, 0, 600), (600, 600, 0, 1_000))
    nothing_wrong(books)


def test_a_reversed_transfer_is_owed_again_and_held(books: Books, player: int) -> None:
    club = Payee(BillingSubject.CLUB, books.club)
    (transfer,) = books.references("club_payout")
    books.emulator.sdk().v1.transfers.reversals.create(transfer, {"amount": 400})
    books.sync()
    assert positions(books, player) == ((1_000, 1_000, 0, 1_000), (1_000, 1_000, 0, 600))
    nothing_wrong(books)
    nothing_moves(books)
    operator_actions.unhold(books.ledger, club, "somebody", "it was a mistake")
    books.settle()
    books.sync()
    assert account(books.ledger, "club", books.club) == (1_000, 1_000, 0, 1_000)
    nothing_wrong(books)
    nothing_moves(books)


def test_shares_of_all_payees_are_taken_back_to_the_cent(
    ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe
) -> None:
    books = make_books(ledger, source, league, emulator)
    organiser = league.organiser("acct_other")
    competition = league.competition(organiser)
    league.terms(competition, 999, shares=SHARES)
    player = books.player_owes(1_001)
    league.plays(league.match(competition, DAY), player)
    books.settle()
    books.sync()
    for amount in (1, 700, 1_299):
        refund(books, amount)
        nothing_wrong(books)
    assert account(books.ledger, "player", player) == (2_000, 0, 0, 0)
    assert ledger.execute("select subject from payouts.accounts where released_minor <> 0").fetchall() == []


def test_no_payout_is_made_of_more_than_was_collected(
    ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe
) -> None:
    """Rule 13: looked at by the entries, whatever the accounts say."""
    books = make_books(ledger, source, league, emulator)
    books.player_owes()
    league.set("clubs", books.club, stripe_account_id=None)
    books.settle()
    with ledger.transaction():
        ledger.execute("set local session_replication_role = replica")
        ledger.execute("update payouts.entries set amount_minor = amount_minor / 2 where instruction_id is not null")
    books.player_owes(700)
    with pytest.raises(PayoutsError, match=r"only .* were collected"):
        books.settle()
