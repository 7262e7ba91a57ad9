"""Debts that are written off, and balances that move to another payee: double entries, and nothing moves twice."""

from decimal import Decimal

import psycopg
import pytest

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import checkpoints
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.return_orders import Asked
from payouts_pipeline.reports.audit import audit
from payouts_pipeline.workflow import adjustments, give_back, operator_actions
from payouts_pipeline.workflow.give_back import Target
from payouts_tests.integration.workflow.test_give_back import nothing_moves, nothing_wrong, send, the
from payouts_tests.support.emulated_stripe import EmulatedStripe
from payouts_tests.support.explaining import Explain
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import account, settle_cancellations, waiting
from payouts_tests.support.stripe_books import Books, make_books


@pytest.fixture
def books(ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe) -> Books:
    """The club's share of the one fee was paid, then the charge was given back: the player owes, the club owes back."""
    made = make_books(ledger, source, league, emulator)
    made.player_owes()
    made.settle()
    charge = Target(the(made, "player_charge"))
    send(made, list(give_back.refund(ledger, charge, Asked(charge.name, None, "somebody", "a test"), {}).orders))
    made.sync()
    return made


@pytest.fixture
def player(books: Books) -> Payee:
    ((found,),) = books.ledger.execute("select id from league.players").fetchall()
    return Payee(BillingSubject.PLAYER, found)


def club(books: Books) -> Payee:
    return Payee(BillingSubject.CLUB, books.club)


def write_off(books: Books, payee: Payee, amount: str | None = None, *, again: bool = False) -> str:
    wanted = Decimal(amount) if amount else None
    return str(adjustments.write_off(books.ledger, payee, "EUR", wanted, "somebody", "is gone", again=again))


def transfer(books: Books, to: Payee) -> list[str]:
    return [str(each) for each in adjustments.transfer_balance(
        books.ledger, books.source, club(books), to, "somebody", "they have merged"
    )]  # fmt: skip


def of_player(books: Books, player: Payee) -> tuple[int, int, int, int]:
    return account(books.ledger, "player", player.subject_id)


def of_club(books: Books, number: int | None = None) -> tuple[int, int, int, int]:
    return account(books.ledger, "club", number or books.club)


def test_a_players_debt_is_borne_by_the_platform_and_not_charged_any_more(books: Books, player: Payee) -> None:
    assert write_off(books, player) == "10.00 EUR"
    assert of_player(books, player) == (1_000, 0, 0, 1_000)
    nothing_wrong(books, may_wait=True)
    books.settle()
    # The club keeps what it was paid, and works nothing off.
    assert of_player(books, player) == (1_000, 1_000, 0, 1_000)
    assert of_club(books) == (1_000, 1_000, 0, 1_000)
    assert books.entered()["write_offs EUR"] == 1_000
    nothing_wrong(books)
    nothing_moves(books)
    with pytest.raises(PayoutsError, match="owes nothing in EUR"):
        write_off(books, player)


def test_what_a_club_owes_back_is_borne_by_the_platform_and_not_worked_off(books: Books, player: Payee) -> None:
    assert write_off(books, club(books)) == "10.00 EUR"
    assert books.entered()["write_offs EUR"] == 1_000
    assert of_club(books) == (2_000, 1_000, 0, 1_000)
    explained = Explain(books.ledger, books.source).account("club", books.club)
    assert [(each.amount_minor, each.other, each.reason) for each in explained.adjustments] == [
        (1_000, None, "is gone")
    ]
    nothing_wrong(books)
    books.player_owes(700)
    books.settle()
    books.sync()
    assert of_club(books) == (2_700, 1_700, 0, 1_700)
    nothing_wrong(books)
    nothing_moves(books)


def test_a_part_of_it_is_written_off_and_the_rest_worked_off(books: Books, player: Payee) -> None:
    assert write_off(books, club(books), "4.00") == "4.00 EUR"
    books.player_owes(1_500)
    books.settle()
    books.sync()
    assert of_club(books) == (2_900, 1_900, 0, 1_900)
    nothing_wrong(books)
    with pytest.raises(PayoutsError, match="owes nothing"):
        write_off(books, club(books))


def test_more_than_is_owed_is_not_written_off(books: Books, player: Payee) -> None:
    with pytest.raises(PayoutsError, match=r"owes only 10\.00 EUR"):
        write_off(books, club(books), "10.01")
    with pytest.raises(PayoutsError, match=r"owes only 10\.00 EUR"):
        write_off(books, player, "10.01")
    with pytest.raises(PayoutsError, match="more digits"):
        write_off(books, player, "1.001")
    with pytest.raises(PayoutsError, match="write off all of it"):
        write_off(books, player, "9.00")
    with pytest.raises(PayoutsError, match="has no account"):
        adjustments.write_off(books.ledger, player, "USD", None, "somebody", "a test")
    nothing_wrong(books)


def test_the_same_amount_twice_is_a_slip_unless_it_is_meant(books: Books, player: Payee) -> None:
    assert write_off(books, club(books), "4.00") == "4.00 EUR"
    with pytest.raises(PayoutsError, match=r"4\.00 EUR of club:1 were written off already, on .* by somebody"):
        write_off(books, club(books), "4.00")
    assert write_off(books, club(books), "3.00") == "3.00 EUR"
    with pytest.raises(PayoutsError, match="add --again"):
        write_off(books, club(books), "3.00")
    assert write_off(books, club(books), "3.00", again=True) == "3.00 EUR"
    assert books.entered()["write_offs EUR"] == 1_000
    nothing_wrong(books)


def test_of_a_debt_that_is_held_in_part_the_rest_is_written_off_in_parts(books: Books, player: Payee) -> None:
    """10.00 EUR are held since they were given back; 6.00 EUR of a new fee are not."""
    books.league.fee(player.subject_id, DAY, 600)
    books.settle(waiting)
    ((charge,),) = books.ledger.execute("select id from payouts.instructions where status = 'waiting'").fetchall()
    operator_actions.cancel(books.ledger, charge, "somebody", "it will not be paid")
    settle_cancellations(books.ledger)
    with pytest.raises(PayoutsError, match=r"all of it \(16\.00 EUR\) or no more than the 6\.00 EUR that are not held"):
        write_off(books, player, "6.01")
    write_off(books, player, "4.00")
    books.settle()
    books.sync()
    assert [row.amount for row in books.emulator.admin.journal() if row.kind == "charge"] == [1_000, 200]
    assert of_player(books, player) == (1_600, 600, 0, 600)
    nothing_wrong(books)
    operator_actions.unhold(books.ledger, player, "somebody", "is paid after all")
    books.settle()
    books.sync()
    assert of_player(books, player) == (1_600, 1_600, 0, 1_600)
    nothing_wrong(books)
    nothing_moves(books)


def test_a_part_of_a_debt_that_is_not_held_is_credited(
    ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe
) -> None:
    books = make_books(ledger, source, league, emulator)
    player = Payee(BillingSubject.PLAYER, books.player_owes())
    books.settle(waiting)
    with pytest.raises(PayoutsError, match="has not ended"):
        write_off(books, player, "4.00")
    charge = ledger.execute("select id from payouts.instructions").fetchall()[0][0]
    operator_actions.cancel(ledger, charge, "somebody", "it will not be paid")
    assert settle_cancellations(ledger) == 1
    write_off(books, player, "4.00")
    books.settle()
    books.sync()
    assert [row.amount for row in emulator.admin.journal() if row.kind == "charge"] == [600]
    assert of_player(books, player) == (1_000, 1_000, 0, 1_000)
    assert books.entered()["write_offs EUR"] == 400
    nothing_wrong(books)


def test_what_is_owed_back_moves_to_the_club_that_it_has_become_one_with(books: Books, player: Payee) -> None:
    other = books.league.club("acct_other")
    assert transfer(books, Payee(BillingSubject.CLUB, other)) == ["-10.00 EUR"]
    assert of_club(books) == (2_000, 1_000, 0, 1_000)
    assert of_club(books, other) == (-1_000, -1_000, 0, 0)
    explain = Explain(books.ledger, books.source)
    for number, moved in ((books.club, (1_000, f"club:{other}")), (other, (-1_000, f"club:{books.club}"))):
        assert [(each.amount_minor, each.other) for each in explain.account("club", number).adjustments] == [moved]
    nothing_wrong(books)
    with pytest.raises(PayoutsError, match="nothing to move"):
        transfer(books, Payee(BillingSubject.CLUB, other))


def test_what_is_owed_moves_and_is_paid_to_the_other(
    ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe
) -> None:
    books = make_books(ledger, source, league, emulator)
    other = league.club("acct_other")
    books.player_owes(40)
    books.player_owes(60)
    league.set("clubs", books.club, stripe_account_id=None)
    books.settle()
    books.sync()
    with pytest.raises(PayoutsError, match="has not ended"):
        transfer(books, Payee(BillingSubject.CLUB, other))
    payout = ledger.execute("select id from payouts.instructions where billing_type = 'club_payout'").fetchall()[0][0]
    operator_actions.cancel(ledger, payout, "somebody", "the club is another by now")
    (moved,) = transfer(books, Payee(BillingSubject.CLUB, other))
    books.settle()
    books.sync()
    paid = [row.amount for row in emulator.admin.journal() if row.destination == "acct_other"]
    assert [f"{amount / 100:.2f} EUR" for amount in paid] == [moved]
    assert of_club(books)[1:] == (0, 0, 0)
    nothing_wrong(books)
    nothing_moves(books)


def test_only_payees_of_one_kind_that_league_knows_are_merged(books: Books, player: Payee) -> None:
    for to in (player, club(books), Payee(BillingSubject.ORGANISER, 1)):
        with pytest.raises(PayoutsError, match="to another of its kind"):
            transfer(books, to)
    with pytest.raises(PayoutsError, match="There is no club:9999"):
        transfer(books, Payee(BillingSubject.CLUB, 9_999))


def test_what_was_taken_back_from_a_payee_is_lifted_before_it_moves(
    ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe
) -> None:
    books = make_books(ledger, source, league, emulator)
    books.player_owes()
    books.settle()
    payout = the(books, "club_payout")
    order = give_back.reverse(ledger, payout, Asked("instruction", 400, "somebody", "a test"), {})
    with pytest.raises(PayoutsError, match="has not ended"):
        write_off(books, club(books))
    send(books, [order])
    other = Payee(BillingSubject.CLUB, league.club("acct_other"))
    with pytest.raises(PayoutsError, match="about to change"):
        transfer(books, other)
    books.sync()
    with pytest.raises(PayoutsError, match="lift it first"):
        transfer(books, other)


def test_adjustments_are_final_and_balanced_across_checkpoints(books: Books, player: Payee) -> None:
    write_off(books, player)
    books.settle()
    ((newest,),) = books.ledger.execute("select max(id) from payouts.entries").fetchall()
    checkpoints.write(books.ledger, newest)
    assert audit(books.ledger, None, {}, full=True).violations == []
    assert audit(books.ledger, [DAY], {}).violations == []
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        books.ledger.execute("update payouts.adjustments set amount_minor = 1")
