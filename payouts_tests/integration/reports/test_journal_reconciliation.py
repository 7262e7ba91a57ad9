"""`payouts verify --provider` over a month: every difference that is planted is named, and nothing else."""

from datetime import date, timedelta
from typing import Any

import pytest

from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.audit import Violation
from payouts_pipeline.reports.journal_reconciliation import reconcile_journal
from payouts_pipeline.reports.reconciliation import reconcile
from payouts_tests.support.emulated_stripe import EmulatedStripe, transfer
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import fingerprint, materialise
from payouts_tests.support.stripe_books import Books, make_books

MONTH = [DAY + timedelta(days=number) for number in range(30)]


@pytest.fixture
def books(ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe) -> Books:
    """A month in which a few play each day, in two currencies, all of it paid and brought in."""
    made = make_books(ledger, source, league, emulator)
    made.emulator.admin.add_balance({"jpy": 100_000})
    for number, day in enumerate(MONTH):
        made.player_owes(1_000 + number, day=day)
        made.player_owes(2_000, "JPY" if number % 3 else "EUR", day=day)
        materialise(ledger, source, day, made.pay)
    made.emulator.admin.top_up(5_000, "eur")
    made.sync()
    return made


def found(books: Books, days: list[date] | None = None) -> list[Violation]:
    return [*reconcile(books.ledger, books.stripe, days), *reconcile_journal(books.ledger, books.stripe, days)]


def named(books: Books, days: list[date] | None = None) -> set[tuple[str, str]]:
    """What is named, with the first words of why."""
    return {(each.id, each.detail) for each in found(books, days)}


def instruction_of(books: Books, day: date, billing_type: str = "player_charge") -> tuple[str, str]:
    """The first of a day: its id, and the movement by which it is settled."""
    query = (
        "select id::text, provider_reference from payouts.instructions where day = %s and billing_type = %s order by id"
    )
    row: tuple[str, str] = books.ledger.execute(query, (day, billing_type)).fetchall()[0]
    return row


def test_a_month_agrees_line_by_line_and_verifying_writes_nothing(books: Books) -> None:
    before = fingerprint(books.ledger)
    assert found(books) == []
    assert found(books, MONTH[3:5]) == []
    assert fingerprint(books.ledger) == before


def test_every_planted_difference_is_named_and_none_that_is_not(books: Books) -> None:
    admin, api = books.emulator.admin, books.emulator.sdk()
    deleted, doubled, changed, refunded, disputed = (instruction_of(books, day) for day in MONTH[:5])
    reversed_ = instruction_of(books, MONTH[5], "club_payout")
    admin.delete_transaction(books.transaction_of(deleted[1]))
    second: dict[str, Any] = admin.double_transaction(books.transaction_of(doubled[1]))
    admin.change_transaction(books.transaction_of(changed[1]), 900)
    api.v1.refunds.create({"payment_intent": refunded[1], "amount": 400})
    (charge,) = api.v1.charges.list({"payment_intent": disputed[1]}).data
    admin.open_dispute(charge.id)
    api.v1.transfers.reversals.create(reversed_[1], {"amount": 300})
    stranger = transfer(api, 700, "eur", destination="acct_other")
    of_stranger = str(stranger.balance_transaction)

    # Before they are brought in, new lines are named as such; what is gone or changed at once.
    early = named(books)
    assert {name for name, _ in early} >= {deleted[0], changed[0], second["id"], of_stranger}
    books.sync()

    whose = {name for name, _ in named(books)}
    assert whose == {
        deleted[0], doubled[0], changed[0], refunded[0], disputed[0], reversed_[0], of_stranger, "EUR",
    }  # fmt: skip
    why = {each.id: each for each in found(books)}
    assert "no longer lists it" in why[deleted[0]].detail
    assert "lists the movement of its instruction twice" in why[doubled[0]].detail
    assert "by now Stripe says that it is" in why[changed[0]].detail
    assert "money came or went back by refund" in why[refunded[0]].detail
    assert "money came or went back by adjustment" in why[disputed[0]].detail
    assert "money came or went back by transfer_refund" in why[reversed_[0]].detail
    assert "no ledger has made it" in why[of_stranger].detail
    assert "not explained by the ledger" in why["EUR"].detail
    errors = {each.id for each in found(books) if not each.is_warning}
    assert errors == {deleted[0], doubled[0], changed[0], "EUR"}, "what came back and what strangers do is booked"


def test_days_name_what_is_of_their_instructions_alone(books: Books) -> None:
    (first, reference), api = instruction_of(books, MONTH[0]), books.emulator.sdk()
    api.v1.refunds.create({"payment_intent": reference, "amount": 400})
    transfer(api, 700, "eur", destination="acct_other")
    books.sync()
    assert {name for name, _ in named(books, [MONTH[0]])} == {first}
    assert named(books, [MONTH[1]]) == set()


def test_a_ledger_that_never_read_the_journal_is_told_so(ledger: Connection, books: Books) -> None:
    ledger.execute("alter table payouts.feeds disable trigger append_only; delete from payouts.feeds")
    (only,) = reconcile_journal(ledger, books.stripe, None)
    assert (only.is_warning, only.detail) == (True, "Stripe's journal was never read: run 'payouts sync'")


def test_settled_and_never_listed(books: Books) -> None:
    instruction, _ = instruction_of(books, MONTH[7])
    books.ledger.execute("insert into payouts.movements_to_see values (%s, now() - interval '2 hours')", (instruction,))
    assert (instruction, "is settled, and Stripe does not list its movement") in named(books)
