"""What an operator gives back at a real emulator: once, of the fees that are meant, and booked by the journal alone."""

from threading import Thread
from typing import Any
from uuid import UUID

import psycopg
import pytest

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import attempts, provider_journal, return_orders
from payouts_pipeline.ledger.attempts import Outcome
from payouts_pipeline.ledger.database import Connection, connect
from payouts_pipeline.ledger.return_orders import Asked
from payouts_pipeline.local.stripe_emulator.admin import FaultKind, FaultRule, OtherAnswer
from payouts_pipeline.reports.audit import audit
from payouts_pipeline.workflow import give_back, operator_actions
from payouts_pipeline.workflow.give_back import Target
from payouts_tests.support.emulated_stripe import EmulatedStripe
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import account, claim, fingerprint, pass_time, unknown, violations
from payouts_tests.support.stripe_books import Books, make_books

SHARES = (("club", None, 0, 7_000), ("organiser", None, 0, 2_000), ("platform", None, 0, 1_000))


@pytest.fixture
def player(books: Books) -> int:
    ((found,),) = books.ledger.execute("select id from league.players").fetchall()
    return int(found)


def the(books: Books, billing_type: str) -> UUID:
    """The only settled instruction of a billing type."""
    query = "select id from payouts.instructions where billing_type = %s and status = 'settled'"
    ((found,),) = books.ledger.execute(query, (billing_type,)).fetchall()
    return UUID(str(found))


def asked(target: Target, amount_minor: int | None = None) -> Asked:
    return Asked(target.name, amount_minor, "somebody", "the match was not played to its end")


def refund(books: Books, target: Target, amount_minor: int | None = None, **options: Any) -> list[UUID]:
    limits = options.pop("limits", {})
    return list(give_back.refund(books.ledger, target, asked(target, amount_minor), limits, **options).orders)


def reverse(books: Books, amount_minor: int | None = None, **options: Any) -> UUID:
    payout = the(books, "club_payout")
    return give_back.reverse(books.ledger, payout, asked(Target(payout), amount_minor), {}, **options)


def send(books: Books, orders: list[UUID]) -> list[Outcome]:
    """What a worker does."""
    outcomes = [books.pay(attempt) for attempt in claim(books.ledger, orders)]
    attempts.record(books.ledger, outcomes, "worker")
    return outcomes


def stands(books: Books, order: UUID) -> tuple[str, str | None]:
    ((status, code),) = books.ledger.execute(
        "select status, reason_code from payouts.instructions where id = %s", (order,)
    ).fetchall()
    return status, code


def given_back(books: Books, kind: str = "refund") -> list[int]:
    return [row.amount for row in books.emulator.admin.journal() if row.kind == kind]


def positions(books: Books, player: int) -> tuple[tuple[int, int, int, int], tuple[int, int, int, int]]:
    """Booked, released, in flight, settled; of the player and of the club."""
    return account(books.ledger, "player", player), account(books.ledger, "club", books.club)


def nothing_wrong(books: Books, *, may_wait: bool = False) -> None:
    books.assert_equal()
    assert violations(books.ledger) == {}
    found = audit(books.ledger, None, {}, full=True)
    assert (found.errors if may_wait else found.violations) == []


def nothing_moves(books: Books) -> None:
    """However often the day is materialised."""
    before, calls = fingerprint(books.ledger), books.stripe.calls
    books.settle()
    books.settle()
    assert fingerprint(books.ledger) == before
    assert books.stripe.calls == calls


def test_a_charge_is_given_back_once_and_booked_by_what_stripe_lists(books: Books, player: int) -> None:
    charge = Target(the(books, "player_charge"))
    [order] = refund(books, charge)
    send(books, [order])
    assert stands(books, order) == ("settled", None)
    # That the money has moved is known, and nothing is booked by that.
    assert positions(books, player) == ((1_000, 1_000, 0, 1_000), (1_000, 1_000, 0, 1_000))
    assert violations(books.ledger) == {}
    books.sync()
    assert positions(books, player) == ((1_000, 0, 0, 0), (1_000, 0, 0, 1_000))
    books.sync()
    assert positions(books, player) == ((1_000, 0, 0, 0), (1_000, 0, 0, 1_000))
    assert given_back(books) == [1_000]
    nothing_wrong(books)
    nothing_moves(books)


def test_the_same_command_twice_gives_back_once(books: Books) -> None:
    charge = Target(the(books, "player_charge"))
    [order] = refund(books, charge, 400)
    with pytest.raises(PayoutsError, match=f"asked for already: instruction {order} is pending"):
        refund(books, charge, 400)
    send(books, [order])
    with pytest.raises(PayoutsError, match=f"asked for already: instruction {order} is settled"):
        refund(books, charge, 400)
    send(books, refund(books, charge, 400, again=True))
    with pytest.raises(PayoutsError, match=r"Only 2\.00 EUR"):
        refund(books, charge, 300)
    books.sync()
    with pytest.raises(PayoutsError, match=r"Only 2\.00 EUR"):
        refund(books, charge, 300)
    assert given_back(books) == [400, 400]
    nothing_wrong(books)


def test_the_database_itself_gives_no_more_back_than_was_collected(books: Books) -> None:
    charge = the(books, "player_charge")
    refund(books, Target(charge), 700)
    taken = return_orders.find(books.ledger, charge)
    with pytest.raises(psycopg.errors.RaiseException, match="more than is left"), books.ledger.transaction():
        return_orders.make(books.ledger, taken, 301, [], asked(Target(charge)), {})


def test_of_a_match_just_its_fees_go_back_with_their_shares(
    ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe
) -> None:
    books = make_books(ledger, source, league, emulator)
    organiser = league.organiser("acct_other")
    competition = league.competition(organiser)
    league.terms(competition, 999, shares=SHARES)
    player = books.player_owes(1_001)
    match = league.match(competition, DAY)
    league.plays(match, player)
    books.settle()
    books.sync()
    before = account(ledger, "club", books.club)
    send(books, refund(books, Target(match_id=match)))
    books.sync()
    assert given_back(books) == [999]
    assert account(ledger, "player", player) == (2_000, 1_001, 0, 1_001)
    assert account(ledger, "organiser", organiser)[1] == 0
    taken = ledger.execute("select distinct match_id from payouts.fees where amount_minor < 0").fetchall()
    assert taken == [(match,)]
    assert account(ledger, "club", books.club)[1] == before[1] - 699
    nothing_wrong(books)
    nothing_moves(books)


def test_a_players_day_goes_back(books: Books, player: int) -> None:
    send(books, refund(books, Target(player_id=player, day=DAY)))
    books.sync()
    assert positions(books, player) == ((1_000, 0, 0, 0), (1_000, 0, 0, 1_000))
    nothing_wrong(books)


def test_a_refund_that_fails_later_brings_back_just_its_own_fees(
    ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe
) -> None:
    books = make_books(ledger, source, league, emulator)
    player = books.player_owes(600)
    league.fee(player, DAY, 400)
    books.settle()
    books.sync()
    matches = [row[0] for row in ledger.execute("select match_id from payouts.fees order by amount_minor")]
    for match in matches:
        send(books, refund(books, Target(match_id=match)))
    books.sync()
    assert account(ledger, "player", player) == (1_000, 0, 0, 0)
    [of_400] = [row.id for row in emulator.admin.journal() if row.kind == "refund" and row.amount == 400]
    emulator.admin.end_refund(of_400, failure_reason="lost_or_stolen_card")
    books.sync()
    nothing_wrong(books)
    held = ledger.execute("select match_id, sum(amount_minor)::int from payouts.held_fees group by 1").fetchall()
    assert held == [(matches[1], 600)]
    # What came back may be given back again.
    charge = Target(the(books, "player_charge"))
    assert give_back.refund(ledger, charge, asked(charge), {}).orders


def test_a_payout_is_taken_back_owed_again_and_held(books: Books, player: int) -> None:
    order = reverse(books, 400)
    send(books, [order])
    assert stands(books, order) == ("settled", None)
    books.sync()
    assert positions(books, player) == ((1_000, 1_000, 0, 1_000), (1_000, 1_000, 0, 600))
    assert given_back(books, "reversal") == [400]
    nothing_wrong(books)
    nothing_moves(books)
    with pytest.raises(PayoutsError, match=r"Only 6\.00 EUR"):
        reverse(books, 601)


def test_an_answer_that_is_lost_is_found_by_asking(books: Books) -> None:
    [order] = refund(books, Target(the(books, "player_charge")))
    books.emulator.admin.add_faults(FaultRule(method="POST", path_prefix="/v1/refunds", kind=FaultKind.DROP_AFTER))
    send(books, [order])
    assert stands(books, order) == ("unknown", "no_answer")
    pass_time(books.ledger, 1)
    send(books, [order])
    assert stands(books, order) == ("settled", None)
    assert given_back(books) == [1_000]
    books.sync()
    nothing_wrong(books)


def test_what_stripe_lists_before_the_answer_is_booked_once(books: Books, player: int) -> None:
    """The journal can be ahead of the worker."""
    [order] = refund(books, Target(the(books, "player_charge")), 400)
    [attempt] = claim(books.ledger, [order])
    outcome = books.pay(attempt)
    attempts.record(books.ledger, [unknown(attempt)], "worker")
    books.sync()
    assert positions(books, player)[0] == (1_000, 600, 0, 600)
    # It need not wait for its time.
    books.ledger.execute("update payouts.instructions set retry_at = now() + interval '1 hour' where id = %s", (order,))
    assert provider_journal.wake_listed(books.ledger) == 1
    [again] = claim(books.ledger, [order])
    attempts.record(books.ledger, [books.pay(again)], "worker")
    assert stands(books, order) == ("settled", None)
    assert outcome.provider_reference == books.references("charge_refund")[0]
    books.sync()
    assert positions(books, player)[0] == (1_000, 600, 0, 600)
    nothing_wrong(books)


def test_a_forgotten_key_gives_nothing_back_twice(books: Books) -> None:
    """A day later Stripe would refund again under the same key: it is asked first."""
    [order] = refund(books, Target(the(books, "player_charge")), 400)
    [attempt] = claim(books.ledger, [order])
    books.pay(attempt)
    attempts.record(books.ledger, [unknown(attempt)], "worker")
    pass_time(books.ledger, 30)
    books.emulator.admin.advance_clock(30 * 3_600)
    send(books, [order])
    assert stands(books, order) == ("settled", None)
    assert given_back(books) == [400]


def test_a_disputed_charge_is_not_given_back(books: Books) -> None:
    charge = Target(the(books, "player_charge"))
    [order] = refund(books, charge, 400)
    intent = books.emulator.sdk().v1.payment_intents.retrieve(books.references()[0])
    books.emulator.admin.open_dispute(str(intent.latest_charge))
    send(books, [order])
    assert stands(books, order) == ("rejected", "charge_disputed")
    books.sync()
    with pytest.raises(PayoutsError, match="is disputed"):
        refund(books, charge, 100)


def test_what_was_given_back_in_the_dashboard_is_refused_and_waits_for_a_person(books: Books) -> None:
    given: Any = {"payment_intent": books.references()[0], "amount": 900}
    [order] = refund(books, Target(the(books, "player_charge")))
    books.emulator.sdk().v1.refunds.create(given)
    send(books, [order])
    assert stands(books, order) == ("rejected", "not_left")
    books.sync()
    [said] = audit(books.ledger, None, {}, full=True).violations
    assert (said.check, said.id, said.is_warning) == ("returns_under_way", str(order), True)


def test_the_payees_empty_account_is_waited_for(books: Books) -> None:
    order = reverse(books)
    books.emulator.admin.add_faults(
        FaultRule(method="POST", path_prefix="/v1/transfers/tr_", kind=FaultKind.BALANCE_INSUFFICIENT, nth=1)
    )
    send(books, [order])
    assert stands(books, order) == ("waiting", "balance_insufficient")
    pass_time(books.ledger, 2)
    books.settle()
    books.sync()
    assert stands(books, order) == ("settled", None)
    nothing_wrong(books)


def test_an_amount_above_the_limit_waits_for_approval(books: Books) -> None:
    [order] = refund(books, Target(the(books, "player_charge")), limits={"EUR": 999})
    assert claim(books.ledger, [order]) == []
    assert stands(books, order) == ("held", "approval_required")


def test_a_card_that_changed_since_is_no_reason_to_give_back_elsewhere(books: Books, player: int) -> None:
    [order] = refund(books, Target(the(books, "player_charge")), limits={"EUR": 999})
    books.league.set("players", player, stripe_customer_id="cus_other")
    before = fingerprint(books.ledger)
    books.settle()
    assert fingerprint(books.ledger) == before
    assert stands(books, order) == ("held", "approval_required")


def test_a_cancelled_order_gives_back_nothing_and_leaves_all_of_it(books: Books, player: int) -> None:
    charge = Target(the(books, "player_charge"))
    [order] = refund(books, charge)
    operator_actions.cancel(books.ledger, order, "somebody", "a slip")
    assert stands(books, order)[0] == "cancelled"
    assert positions(books, player) == ((1_000, 1_000, 0, 1_000), (1_000, 1_000, 0, 1_000))
    [again] = refund(books, charge)
    assert again != order
    nothing_wrong(books)


def test_what_has_not_moved_is_not_given_back(books: Books) -> None:
    [order] = refund(books, Target(the(books, "player_charge")), 100)
    with pytest.raises(PayoutsError, match="is no charge"):
        refund(books, Target(order))
    with pytest.raises(PayoutsError, match="is no charge"):
        refund(books, Target(the(books, "club_payout")))
    charge = the(books, "player_charge")
    with pytest.raises(PayoutsError, match="is no payout"):
        give_back.reverse(books.ledger, charge, asked(Target(charge)), {})
    with pytest.raises(PayoutsError, match="No charge has collected"):
        refund(books, Target(match_id=999_999))


def test_a_player_on_hold_gets_nothing_before_the_hold_is_lifted(books: Books, player: int) -> None:
    operator_actions.hold(books.ledger, books.source, Payee(BillingSubject.PLAYER, player), "somebody", "is asked")
    [order] = refund(books, Target(the(books, "player_charge")))
    assert stands(books, order) == ("held", "on_hold")
    assert claim(books.ledger, [order]) == []


def test_two_operators_at_once_give_back_no_more_than_there_is(books: Books, database_url: str) -> None:
    charge = the(books, "player_charge")
    refused: list[str] = []

    def other_operator() -> None:
        with connect(database_url) as another:
            try:
                give_back.refund(another, Target(charge), asked(Target(charge), 600), {})
            except PayoutsError as why:
                refused.append(str(why))

    thread = Thread(target=other_operator)
    with books.ledger.transaction():
        taken = return_orders.lock(books.ledger, charge)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        return_orders.make(books.ledger, taken, 700, [], asked(Target(charge), 700), {})
    thread.join(10)
    assert refused == [f"Only 3.00 EUR of {charge} are left to be given back."]


def test_a_ledger_that_has_lost_that_it_was_sent_asks_before_it_sends(books: Books) -> None:
    """It was restored, and the operator gives the same command again, after Stripe has forgotten the key."""
    charge = Target(the(books, "player_charge"))
    [order] = refund(books, charge, 400)
    with books.ledger.transaction(force_rollback=True):
        send(books, [order])
    books.emulator.admin.advance_clock(30 * 3_600)
    send(books, [order])
    assert stands(books, order) == ("settled", None)
    assert given_back(books) == [400]


def test_a_refund_of_another_amount_in_its_name_waits_for_a_person(books: Books) -> None:
    [order] = refund(books, Target(the(books, "player_charge")), 400)
    ((ledger_id,),) = books.ledger.execute("select id from payouts.identity").fetchall()
    named = {"ledger": str(ledger_id), "instruction_id": str(order), "attempt": "1"}
    given: Any = {"payment_intent": books.references()[0], "amount": 300, "metadata": named}
    books.emulator.sdk().v1.refunds.create(given)
    send(books, [order])
    assert stands(books, order) == ("unknown", "movement_differs")
    assert given_back(books) == [300]
    books.sync()
    # It is booked as what Stripe lists, and the order is still to come off the charge.
    with pytest.raises(PayoutsError, match=r"Only 3\.00 EUR"):
        refund(books, Target(the(books, "player_charge")), 301)


def test_a_correction_takes_no_refund_back_and_charges_nobody_meanwhile(books: Books, player: int) -> None:
    [order] = refund(books, Target(the(books, "player_charge")), 400, limits={"EUR": 399})
    ((match_player,),) = books.ledger.execute("select id from league.match_players").fetchall()
    books.league.fee_becomes(match_player, 700)
    books.settle()
    assert stands(books, order) == ("held", "approval_required")
    assert account(books.ledger, "player", player)[2] == 0
    nothing_wrong(books, may_wait=True)


def test_what_a_person_names_settles_it_once_stripe_confirms_it(books: Books) -> None:
    [order] = refund(books, Target(the(books, "player_charge")), 400)
    [attempt] = claim(books.ledger, [order])
    attempts.record(books.ledger, [unknown(attempt)], "worker")
    given: Any = {"payment_intent": books.references()[0], "amount": 400}
    by_hand = books.emulator.sdk().v1.refunds.create(given)
    operator_actions.judge(books.ledger, order, by_hand.id, "somebody", "it was done in the dashboard")
    send(books, [order])
    assert stands(books, order) == ("settled", None)
    assert given_back(books) == [400]
    books.sync()
    assert books.ledger.execute("select amount_minor from payouts.return_orders_under_way").fetchall() == [(0,)]
    assert books.ledger.execute("select * from payouts.movements_to_see").fetchall() == []
    nothing_wrong(books)


def test_a_refund_that_the_bank_takes_days_for_has_left_our_balance(
    ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe
) -> None:
    books = make_books(ledger, source, league, emulator)
    player = books.player_owes()
    league.set("players", player, stripe_payment_method_id="pm_card_pendingRefund")
    books.settle()
    [order] = refund(books, Target(the(books, "player_charge")))
    send(books, [order])
    assert stands(books, order) == ("settled", None)
    books.sync()
    assert account(ledger, "player", player) == (1_000, 0, 0, 0)
    nothing_wrong(books)


@pytest.mark.parametrize("status", [200, 403, 502])
def test_an_answer_that_is_not_stripes_is_none(books: Books, status: int) -> None:
    [order] = refund(books, Target(the(books, "player_charge")), 400)
    answer = OtherAnswer.foreign(status, "<html></html>")
    books.emulator.admin.add_faults(
        FaultRule(method="POST", path_prefix="/v1/refunds", kind=FaultKind.OTHER_ANSWER, answer=answer, acted=True)
    )
    send(books, [order])
    assert stands(books, order) == ("unknown", "not_stripes_answer")
    books.emulator.admin.clear_faults()
    pass_time(books.ledger, 1)
    send(books, [order])
    assert stands(books, order) == ("settled", None)
    assert given_back(books) == [400]


def test_a_list_that_is_not_stripes_is_no_reason_to_send(books: Books) -> None:
    """Nothing is sent before Stripe itself has said what it has."""
    order = reverse(books, 400)
    answer = OtherAnswer.foreign(200, "{}")
    books.emulator.admin.add_faults(
        FaultRule(method="GET", path_prefix="/v1/transfers/tr_", kind=FaultKind.OTHER_ANSWER, answer=answer)
    )
    send(books, [order])
    assert stands(books, order)[0] == "unknown"
    assert given_back(books, "reversal") == []
