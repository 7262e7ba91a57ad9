"""What moved at a real emulator is in the ledger, once, and both say the same of our account."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from payouts_pipeline.ledger import identity
from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.ledger.locks import only_sync
from payouts_pipeline.local.stripe_emulator.admin import FaultKind, FaultRule, OtherAnswer
from payouts_pipeline.reports.audit import audit
from payouts_pipeline.settlement import stripe_journal
from payouts_pipeline.settlement.stripe_client import StripeAwayError, StripeClient
from payouts_pipeline.workflow.sync import NotPinnedError, sync
from payouts_tests.support.emulated_stripe import EmulatedStripe, charge, transfer
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import book, fingerprint, left_alone, release, settle, settled, violations
from payouts_tests.support.stripe_books import Books, make_books


@pytest.fixture
def books(ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe) -> Books:
    made = make_books(ledger, source, league, emulator)
    for _ in range(2):
        made.player_owes()
    return made


def nothing_wrong(books: Books) -> None:
    books.assert_equal()
    assert violations(books.ledger) == {}
    assert audit(books.ledger, None, {}, full=True).errors == []


def test_a_day_is_entered_with_its_fees_and_the_balances_agree(books: Books) -> None:
    books.settle()
    found = books.sync()
    assert [look.difference_minor for look in found.looks] == [0]
    fees = 2 * (1_000 * 29 // 1_000 + 30)
    assert books.entered() == {"provider EUR": 500_000 - fees, "provider_fees EUR": fees, "own_funds EUR": -500_000}
    assert [each[1] for each in books.assigned() if each[0] in ("charge", "transfer")] == ["instruction"] * 3
    nothing_wrong(books)


def test_a_sync_without_news_writes_nothing_and_asks_twice(books: Books) -> None:
    books.settle()
    books.sync()
    before, calls = fingerprint(books.ledger), books.stripe.calls
    assert books.sync().kept == 0
    assert books.stripe.calls == calls + 2, "a page of the list, and the balance"
    after = fingerprint(books.ledger)
    assert {name for name in before if before[name] != after[name]} == {"feeds"}, "when it was asked"


def test_an_account_with_an_older_life_is_opened_once(
    ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe
) -> None:
    books = make_books(ledger, source, league, emulator)
    charge(emulator.sdk(), 7_000, "eur")
    before = books.at_stripe()["EUR"]
    emulator.admin.advance_clock(60 * 60 * 24 * 40)
    books.player_owes()
    books.settle()
    begins_at = datetime.fromtimestamp(emulator.admin.clock().now, UTC) - timedelta(minutes=1)
    ledger.execute("update payouts.attempts set first_sent_at = %s", (begins_at,))
    books.sync()
    assert books.entered()["own_funds EUR"] == -before
    nothing_wrong(books)
    emulator.admin.top_up(300, "eur")
    books.sync()
    assert books.entered()["own_funds EUR"] == -before - 300
    nothing_wrong(books)
    # Read from further back, what the opening stood for is there by itself.
    books.sync(since=begins_at - timedelta(days=60))
    assert books.entered()["own_funds EUR"] == -500_300
    assert "unassigned EUR" in books.entered()
    nothing_wrong(books)


def test_what_settles_only_later_waits_for_it(books: Books) -> None:
    def lost(attempt: object) -> None:
        books.pay(attempt)  # type: ignore[arg-type]

    books.settle(lost)
    found = books.sync()
    assert [(each.currency, each.listed) for each in found.balances if each.listed] == [("EUR", 2)]
    assert {look.difference_minor for look in found.looks} == {0}
    assert "unassigned EUR" not in books.entered()
    why = books.ledger.execute("select distinct becomes, why from payouts.open_transactions").fetchall()
    assert why == [(None, "not_settled_yet")]
    books.ledger.execute("update payouts.instructions set leased_until = now() - interval '1 minute'")
    settle(books.ledger, None, books.pay, "sending")
    books.settle()
    books.sync()
    assert "unassigned EUR" not in books.entered()
    nothing_wrong(books)


def test_settled_here_and_not_listed_is_on_its_way_and_then_not_understood(books: Books) -> None:
    books.settle()
    books.sync()
    books.player_owes(3_000)
    books.settle(settled)
    found = books.sync()
    assert {look.difference_minor for look in found.looks} == {0}
    assert [(each.settled, each.settled_minor) for each in found.balances if each.settled] == [(2, 0)]
    books.ledger.execute(
        "update payouts.movements_to_see as m set settled_at = settled_at - interval '3 hours'"
        " from payouts.instructions as i where i.id = m.instruction_id and i.billing_type = 'player_charge'"
    )
    (look,) = [look for look in books.sync().looks if look.currency == "EUR"]
    assert (look.difference_minor, look.overdue_minor) == (-3_000, 3_000)
    rows = books.ledger.execute("select currency, difference_minor from payouts.balances_not_understood").fetchall()
    assert rows == [("EUR", -3_000)]


def test_strangers_other_ledgers_and_what_nobody_knows_are_not_assigned(books: Books) -> None:
    books.settle()
    api, own = books.emulator.sdk(), str(identity.read(books.ledger).id)
    transfer(api, 700, "eur", destination="acct_other")
    transfer(api, 600, "eur", destination="acct_other", metadata={"ledger": str(uuid4()), "instruction_id": "x"})
    transfer(api, 500, "eur", destination="acct_other", metadata={"ledger": own, "instruction_id": str(uuid4())})
    charge(api, 2_000, "eur")
    admin = books.emulator.admin
    admin.book_transaction("stripe_fee", -120, "eur", description="Radar")
    admin.book_transaction("adjustment", 15, "eur")
    books.sync()
    unassigned = [(type_, why) for type_, to, why in books.assigned() if to == "unassigned"]
    assert sorted(unassigned) == [
        ("adjustment", "unknown_type"), ("charge", "no_ledger"),
        ("transfer", "another_ledger"), ("transfer", "no_ledger"),
    ]  # fmt: skip
    waits = books.ledger.execute("select net_minor, why from payouts.open_transactions").fetchall()
    assert waits == [(-500, "unknown_instruction")], "it may be one that the ledger has lost"
    assert audit(books.ledger, None, {}, full=True).errors == []


def test_top_ups_and_payouts_to_our_bank_are_our_own_funds(books: Books) -> None:
    books.settle()
    admin = books.emulator.admin
    admin.top_up(10_000, "eur")
    payout = admin.begin_payout("eur", 4_000)
    admin.end_payout(payout["id"], failure_code="account_closed")
    admin.begin_payout("eur", 1_500)
    books.sync()
    assert books.entered()["own_funds EUR"] == -(500_000 + 10_000 - 1_500)
    nothing_wrong(books)


def test_what_came_back_is_handed_on(books: Books) -> None:
    books.settle()
    books.sync()
    api, (first, second), (paid,) = books.emulator.sdk(), books.references(), books.references("club_payout")
    api.v1.refunds.create({"payment_intent": first, "amount": 400, "reason": "duplicate"})
    (disputed,) = api.v1.charges.list({"payment_intent": second}).data
    dispute = books.emulator.admin.open_dispute(disputed.id)
    api.v1.transfers.reversals.create(paid, {"amount": 300})
    found = books.sync()
    assert (found.kept, found.returned) == (3, 3)
    rows = books.ledger.execute(
        "select t.type, t.category, t.amount_minor, t.movement_id, t.reason, a.assigned_to, i.provider_reference"
        " from payouts.balance_transactions as t join payouts.assignments as a on a.transaction_id = t.id"
        " join payouts.instructions as i on i.id = a.instruction_id where t.kind = 'return' order by 1, 2"
    ).fetchall()
    assert rows == [
        ("adjustment", "dispute", -1_000, second, dispute["reason"], "return", second),
        ("refund", "refund", -400, first, "duplicate", "return", first),
        ("transfer_refund", "transfer_reversal", 300, paid, None, "return", paid),
    ]
    books.assert_equal()
    books.emulator.admin.end_dispute(dispute["id"], is_won=True)
    assert books.sync().returned == 1
    books.assert_equal()


def test_a_movement_twice_and_of_another_amount_is_said(books: Books) -> None:
    books.settle()
    books.sync()
    admin, (first, _) = books.emulator.admin, books.references()
    admin.double_transaction(books.transaction_of(first))
    books.sync()
    assert ("charge", "unassigned", "moved_twice") in books.assigned()
    books.assert_equal()


def test_another_amount_than_that_of_its_instruction_is_not_assigned(books: Books) -> None:
    books.settle()
    (first, _), api = books.references(), books.emulator.sdk()
    (moved,) = api.v1.charges.list({"payment_intent": first}).data
    books.emulator.admin.change_transaction(str(moved.balance_transaction), 900)
    books.sync()
    assert ("charge", "instruction", "amount_differs") in books.assigned()
    assert books.entered()["unassigned EUR"] == 100
    nothing_wrong(books)


def test_stripe_away_loses_nothing_and_counts_nothing_as_read(books: Books) -> None:
    books.settle()
    faults = FaultRule(kind=FaultKind.ERROR_500, method="GET", path_prefix="/v1/balance_transactions")
    books.emulator.admin.add_faults(faults)
    with pytest.raises(StripeAwayError, match="can't be asked what happened on our account"):
        books.sync()
    books.emulator.admin.clear_faults()
    books.sync()
    nothing_wrong(books)


@pytest.mark.parametrize(
    "answer",
    [
        OtherAnswer.foreign(200, "<html>Sign in</html>"),
        OtherAnswer(
            status=200, body='{"object": "list", "has_more": false, "data": [{"object": "balance_transaction"}]}'
        ),
        OtherAnswer(status=200, body='{"object": "list", "has_more": true, "data": []}'),
    ],
    ids=["a page of a proxy", "lines without what they have", "more after nothing"],
)
def test_what_is_not_stripes_answer_is_none(books: Books, answer: OtherAnswer) -> None:
    books.settle()
    fault = FaultRule(kind=FaultKind.OTHER_ANSWER, path_prefix="/v1/balance_transactions", answer=answer)
    books.emulator.admin.add_faults(fault)
    with pytest.raises(StripeAwayError, match="that is not Stripe's"):
        books.sync()
    books.emulator.admin.clear_faults()
    books.sync()
    nothing_wrong(books)


def test_many_are_read_page_by_page(books: Books) -> None:
    books.settle()
    for _ in range(205):
        transfer(books.emulator.sdk(), 10, "eur", destination="acct_other")
    assert books.sync().kept >= 208
    books.assert_equal()


def test_a_ledger_that_never_called_is_told_so(ledger: Connection, emulator: EmulatedStripe) -> None:
    with pytest.raises(NotPinnedError, match="no call at Stripe yet"):
        sync(ledger, StripeClient("sk_test_emulated0123456789", emulator.url), "test")


def test_one_sync_at_a_time(books: Books, database_url: str) -> None:
    with open_connection(database_url) as other, only_sync(other):
        assert sync(books.ledger, books.stripe, "test", waits=False) is None
    assert books.sync()


def test_what_a_worker_left_in_its_call_is_no_strangers(books: Books) -> None:
    books.settle(left_alone)
    assert books.sync().returned == 0
    books.assert_equal()


def unexplained(books: Books, minutes: int = 11) -> None:
    """Somebody has changed Stripe's books behind its list, and it is looked at again after a while."""
    books.emulator.admin.delete_transaction(books.transaction_of(books.references()[0]))
    books.sync()
    owner = "alter table payouts.balance_looks {} trigger all"
    books.ledger.execute(owner.format("disable"))
    books.ledger.execute("update payouts.balance_looks set at = at - make_interval(mins => %s)", (minutes,))
    books.ledger.execute(owner.format("enable"))


def payouts_of(books: Books) -> list[tuple[str, str | None]]:
    query = "select status, reason_code from payouts.instructions where billing_type = 'club_payout' order by sequence"
    return books.ledger.execute(query).fetchall()


def test_no_payout_is_sent_while_the_balance_is_not_understood(books: Books) -> None:
    books.settle()
    books.sync()
    unexplained(books)
    books.player_owes(2_000)
    books.settle()
    assert payouts_of(books) == [("settled", None), ("held", "balance_not_understood")]
    books.settle()
    assert payouts_of(books)[-1] == ("held", "balance_not_understood")
    # The difference is explained, and somebody has put it right.
    books.emulator.admin.book_transaction("adjustment", 1_000 - 59, "eur")
    (look,) = books.sync().looks
    assert look.difference_minor == -(1_000 - 59), "what came is understood, and what is missing is missing still"


def test_payouts_go_on_when_the_balances_agree_again(books: Books) -> None:
    books.settle()
    books.sync()
    unexplained(books)
    books.player_owes(2_000)
    books.settle()
    books.ledger.execute(
        "insert into payouts.balance_looks (currency, available_minor, pending_minor, ledger_minor, in_transit_minor)"
        " values ('EUR', 1, 0, 1, 0)"
    )
    books.settle()
    assert payouts_of(books) == [("settled", None), ("settled", None)]


def test_a_list_that_lags_holds_nobody(books: Books) -> None:
    books.settle()
    books.sync()
    unexplained(books, minutes=9)
    books.player_owes(2_000)
    books.settle()
    assert payouts_of(books) == [("settled", None), ("settled", None)]


def test_charges_and_other_currencies_are_not_held(books: Books) -> None:
    books.settle()
    books.sync()
    unexplained(books)
    books.emulator.admin.add_balance({"gbp": 50_000})
    books.player_owes(2_000, "GBP")
    books.settle()
    assert payouts_of(books) == [("settled", None), ("settled", None)]


def test_a_payout_that_waits_for_a_worker_is_held_by_the_next_run(books: Books) -> None:
    books.settle()
    books.sync()
    books.player_owes(2_000)
    book(books.ledger, books.source, DAY)
    settle(books.ledger, DAY, books.pay)
    release(books.ledger, books.source, DAY)
    assert payouts_of(books)[-1][0] == "pending"
    unexplained(books)
    release(books.ledger, books.source, DAY)
    assert payouts_of(books)[-1] == ("held", "balance_not_understood")


def test_what_moves_between_the_list_and_the_balance_is_no_difference(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.settle()
    books.sync()
    asked, waits = stripe_journal.balance, [700, 300]

    def meanwhile(stripe: StripeClient) -> list[stripe_journal.StripeBalance]:
        """Somebody tops up after the list was read."""
        if waits:
            books.emulator.admin.top_up(waits.pop(), "eur")
        return asked(stripe)

    monkeypatch.setattr(stripe_journal, "balance", meanwhile)
    assert [look.difference_minor for look in books.sync().looks] == [0]
    looks = "select from payouts.balance_looks where difference_minor <> 0"
    assert books.ledger.execute(looks).fetchall() == []


def test_an_account_that_never_stands_still_is_not_judged(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    books.settle()
    books.sync()
    asked = stripe_journal.balance

    def meanwhile(stripe: StripeClient) -> list[stripe_journal.StripeBalance]:
        books.emulator.admin.top_up(10, "eur")
        return asked(stripe)

    monkeypatch.setattr(stripe_journal, "balance", meanwhile)
    assert books.sync().looks == ()
    monkeypatch.undo()
    assert [look.difference_minor for look in books.sync().looks] == [0]
