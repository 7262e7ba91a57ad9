"""What an operator has proven in the UI, on a real ledger and an emulated Stripe."""

from pathlib import Path
from uuid import uuid4

import pytest

from payouts_pipeline.ledger import identity
from payouts_tests.support.emulated_stripe import API_KEY
from payouts_tests.support.leagues import DAY
from payouts_tests.support.ledger_steps import fingerprint
from payouts_tests.support.ledgers import made_anew
from payouts_tests.support.pressing import ADA, press
from payouts_tests.support.stripe_books import Books


@pytest.fixture(autouse=True)
def storage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PAYOUTS_STORAGE", str(tmp_path))


def test_the_rules_of_money_are_recomputed_and_what_breaks_them_is_named(books: Books, database_url: str) -> None:
    url = books.emulator.url
    before = fingerprint(books.ledger)
    assert "all rules of money hold" in press(database_url, "verify_ledger", url, day=str(DAY))
    assert fingerprint(books.ledger) == before
    assert "all rules of money hold" in press(database_url, "verify_ledger", url, is_compared_with_stripe=True)
    books.emulator.admin.reset()
    shown = press(database_url, "verify_ledger", url, is_compared_with_stripe=True)
    assert "violation, rule" in shown
    assert "all rules of money hold" not in shown
    with pytest.raises(AssertionError, match="name no day with it"):
        press(database_url, "verify_ledger", url, day=str(DAY), is_full=True)


def test_a_ledger_says_whose_it_is_and_is_continued_only_when_that_is_confirmed(
    books: Books, database_url: str
) -> None:
    url = books.emulator.url
    found = identity.read(books.ledger)
    assert f"Ledger {found.id} belongs to {found.account} at Stripe" in press(
        database_url, "ledger_identity", url, **ADA
    )
    made_anew(books.ledger)
    old = {"continue_id": str(found.id), **ADA}
    assert "Nothing was changed" in press(database_url, "ledger_identity", url, **old)
    assert identity.read(books.ledger).id != found.id
    assert f"Ledger {found.id}" in press(database_url, "ledger_identity", url, is_confirmed=True, **old)
    assert identity.read(books.ledger).id == found.id
    with pytest.raises(AssertionError, match="either that ledger or another one"):
        press(database_url, "ledger_identity", url, continue_id=str(uuid4()), is_beside=True, **ADA)


def test_what_a_night_needs_is_looked_at_from_where_runs_run(
    books: Books, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", database_url)
    monkeypatch.setenv("STRIPE_API_KEY", API_KEY)
    monkeypatch.setenv("STRIPE_API_BASE", books.emulator.url)
    monkeypatch.delenv("DAGSTER_DATABASE_URL", raising=False)
    before = fingerprint(books.ledger)
    shown = press(database_url, "check_setup")
    assert fingerprint(books.ledger) == before
    assert "No night could be paid" in shown
    assert "- **problem** Dagster's storage" in shown
    assert "- **ok** ledger database" in shown
    assert API_KEY not in shown
