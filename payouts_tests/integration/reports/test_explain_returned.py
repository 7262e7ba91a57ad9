"""What came back of a charge or a payout, one by one: by what, who asked for it, and where the money stands since."""

from uuid import UUID
from zoneinfo import ZoneInfo

from payouts_pipeline.domain.billing import BillingSubject, Payee
from payouts_pipeline.ledger import attempts
from payouts_pipeline.ledger.return_orders import Asked
from payouts_pipeline.reports.explain import page
from payouts_pipeline.workflow import give_back, operator_actions
from payouts_tests.support.explaining import Explain, require_adds_up
from payouts_tests.support.leagues import DAY
from payouts_tests.support.ledger_steps import claim
from payouts_tests.support.stripe_books import Books


def of_type(books: Books, billing_type: str) -> list[UUID]:
    query = "select id from payouts.instructions where billing_type = %s order by created_at, id"
    return [found for (found,) in books.ledger.execute(query, (billing_type,))]


def shown(books: Books, instruction: UUID) -> str:
    return "\n".join(page.lines(Explain(books.ledger, books.source).instruction(instruction), ZoneInfo("UTC")))


def ordered(books: Books, payout: UUID, amount_minor: int) -> UUID:
    order = give_back.reverse(books.ledger, payout, Asked("instruction", amount_minor, "Ann", "paid twice"), {})
    attempts.record(books.ledger, [books.pay(attempt) for attempt in claim(books.ledger, [order])], "worker")
    books.sync()
    return order


def test_each_reversal_of_a_payout_stands_for_itself(books: Books) -> None:
    (payout,), club = of_type(books, "club_payout"), f"club:{books.club}"
    order = ordered(books, payout, 200)
    (transfer,) = books.references("club_payout")
    by_hand = books.emulator.sdk().v1.transfers.reversals.create(transfer, {"amount": 300})
    books.sync()

    first, second = Explain(books.ledger, books.source).instruction(payout).returned
    assert [(each.amount_minor, each.left_minor, each.order_id, each.is_held) for each in (first, second)] == [
        (200, 800, order, True),
        (300, 500, None, True),
    ]
    text = shown(books, payout)
    assert f"2.00 EUR by transfer reversal {first.source_id}, asked for by {order}; 8.00 EUR of it are left" in text
    assert f"3.00 EUR by transfer reversal {by_hand.id}, not asked for here; 5.00 EUR of it are left" in text
    assert f"{club} is owed 3.00 EUR again: held, and not paid before 'payouts unhold {club}" in text
    assert text.count("taken back of it (release") == 2
    assert f"5.00 EUR of it came back ('payouts explain {payout}')" in text

    operator_actions.unhold(books.ledger, Payee(BillingSubject.CLUB, books.club), "Ann", "it was right after all")
    assert f"{club} is owed 2.00 EUR again: paid again with what is due next" in shown(books, payout)
    books.settle()
    (again,) = [each for each in of_type(books, "club_payout") if each != payout]
    assert {each.again_id for each in Explain(books.ledger, books.source).instruction(payout).returned} == {again}
    assert f"{club} is owed 2.00 EUR again: in payout {again}" in shown(books, payout)
    of_match = Explain(books.ledger, books.source).payee_day("club", books.club, DAY)
    text = "\n".join(page.lines(of_match, ZoneInfo("UTC")))
    assert f"({transfer}); 5.00 EUR of it came back ('payouts explain {payout}')" in text


def test_what_came_back_of_a_charge_and_came_again(books: Books) -> None:
    (charge,), (intent,) = of_type(books, "player_charge"), books.references()
    paid = books.emulator.sdk().v1.payment_intents.retrieve(intent)
    dispute = books.emulator.admin.open_dispute(str(paid.latest_charge))
    books.sync()
    assert "not asked for here; 0.00 EUR of it are left" in shown(books, charge)
    assert "owes 10.00 EUR again: held, and not charged before 'payouts unhold player:" in shown(books, charge)
    books.emulator.admin.end_dispute(dispute["id"], is_won=True)
    books.sync()
    found = Explain(books.ledger, books.source).instruction(charge).returned
    assert [(each.amount_minor, each.left_minor) for each in found] == [(1_000, 0), (-1_000, 1_000)]
    assert "it came again: player:" in shown(books, charge)
    require_adds_up(Explain(books.ledger, books.source))
