"""What an operator moves in the UI, at a real emulator: shown first with nothing written, and done once confirmed."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.reports.banks import failing
from payouts_tests.support.emulated_stripe import EmulatedStripe
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import fingerprint, ids, unknown
from payouts_tests.support.places import Place
from payouts_tests.support.pressing import ADA, press
from payouts_tests.support.stripe_books import Books, make_books


@pytest.fixture
def books(ledger: Connection, source: Connection, league: League, emulator: EmulatedStripe) -> Books:
    """Two players of one match day have paid, and their club was paid."""
    made = make_books(ledger, source, league, emulator)
    for _ in range(2):
        made.player_owes()
    made.settle()
    made.sync()
    return made


@pytest.fixture(autouse=True)
def storage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PAYOUTS_STORAGE", str(tmp_path))


def the(books: Books, billing_type: str) -> UUID:
    """The first settled instruction of a billing type."""
    query = "select id from payouts.instructions where billing_type = %s and status = 'settled' order by id limit 1"
    ((found,),) = books.ledger.execute(query, (billing_type,)).fetchall()
    return UUID(str(found))


def given_back(books: Books, kind: str) -> list[int]:
    return [row.amount for row in books.emulator.admin.journal() if row.kind == kind]


def shown(books: Books, url: str, job: str, **config: Any) -> str:
    """What the job says it would do; nothing is written, and nothing asked of Stripe."""
    before, asked = fingerprint(books.ledger), books.emulator.admin.counters()
    text = press(url, job, books.emulator.url, **config, **ADA)
    assert "Nothing was changed: run it again with is_confirmed" in text
    assert fingerprint(books.ledger) == before
    assert books.emulator.admin.counters() == asked
    return text


def done(books: Books, url: str, job: str, **config: Any) -> str:
    return press(url, job, books.emulator.url, is_confirmed=True, **config, **ADA)


def actors(books: Books, instruction_type: str) -> set[str]:
    query = "select o.actor from payouts.return_orders o join payouts.instructions i on i.id = o.instruction_id"
    return {row[0] for row in books.ledger.execute(f"{query} where i.billing_type = %s", (instruction_type,))}


def test_all_charges_of_a_match_day_are_given_back_once_that_is_confirmed(books: Books, database_url: str) -> None:
    ((match,),) = books.ledger.execute("select min(id) from league.matches").fetchall()
    charges = books.ledger.execute("select count(distinct charge_id) from payouts.fees where match_id = %s", (match,))
    ((count,),) = charges.fetchall()
    text = shown(books, database_url, "refund", subject=f"match:{match}")
    assert text.count("Would be given back: charge_refund of 10.00 EUR (player:") == count
    text = done(books, database_url, "refund", subject=f"match:{match}")
    assert text.count("Given back: charge_refund") == count
    assert given_back(books, "refund") == [1_000] * count
    assert actors(books, "charge_refund") == {"ui ada"}
    with pytest.raises(AssertionError, match="was asked for already"):
        done(books, database_url, "refund", subject=f"match:{match}")


def test_a_part_of_a_charge_is_given_back_and_no_more_than_there_is(books: Books, database_url: str) -> None:
    charge = str(the(books, "player_charge"))
    assert "charge_refund of 2.50 EUR" in shown(books, database_url, "refund", subject=charge, amount="2.50")
    with pytest.raises(AssertionError, match="is not an amount: give one like"):
        press(database_url, "refund", books.emulator.url, subject=charge, amount="ten", **ADA)
    with pytest.raises(AssertionError, match="are left to be given back"):
        press(database_url, "refund", books.emulator.url, subject=charge, amount="10.01", **ADA)
    assert "Given back" in done(books, database_url, "refund", subject=charge, amount="2.50")
    assert given_back(books, "refund") == [250]


def test_a_payout_is_taken_back_once_that_is_confirmed(books: Books, database_url: str) -> None:
    payout = str(the(books, "club_payout"))
    text = shown(books, database_url, "reverse_payout", instruction=payout, amount="3")
    assert f"payout_reversal of 3.00 EUR (club:{books.club})" in text
    assert "Given back: payout_reversal" in done(books, database_url, "reverse_payout", instruction=payout, amount="3")
    assert given_back(books, "reversal") == [300]
    assert "3.00 EUR again" in shown(books, database_url, "unhold_payee", payee=f"club:{books.club}")


def test_what_is_owed_is_written_off_and_moved_once_that_is_confirmed(books: Books, database_url: str) -> None:
    done(books, database_url, "reverse_payout", instruction=str(the(books, "club_payout")))
    done(books, database_url, "unhold_payee", payee=f"club:{books.club}")
    other = books.league.club("acct_other")
    config = {"payee": f"club:{books.club}", "to": f"club:{other}"}
    assert "Would be moved: 20.00 EUR" in shown(books, database_url, "transfer_balance", **config)
    assert f"20.00 EUR from club:{books.club}" in done(books, database_url, "transfer_balance", **config)
    done(books, database_url, "refund", subject=str(the(books, "player_charge")))
    ((player,),) = books.ledger.execute(
        "select player_id from payouts.booked_fees where charge_id is null and amount_minor > 0"
    ).fetchall()
    debt = {"payee": f"player:{player}", "currency": "eur"}
    assert "Would be written off: 10.00 EUR" in shown(books, database_url, "write_off", **debt)
    assert f"Written off: 10.00 EUR of player:{player}" in done(books, database_url, "write_off", **debt)


def test_a_person_judges_what_stays_unknown_and_stripe_is_asked_all_the_same(books: Books, database_url: str) -> None:
    books.player_owes()
    books.settle(unknown)
    [open_id] = ids(books.ledger, DAY, "unknown")
    config = {"instruction": str(open_id), "has_not_moved": True}
    assert "player_charge of 10.00 EUR" in shown(books, database_url, "resolve_unknown", **config)
    with pytest.raises(AssertionError, match="either its reference, or that it has not moved"):
        done(books, database_url, "resolve_unknown", instruction=str(open_id))
    assert "player_charge of 10.00 EUR" in done(books, database_url, "resolve_unknown", **config)
    judged = books.ledger.execute("select actor from payouts.judgements").fetchall()
    assert judged == [("ui ada",)]


def test_what_happened_at_stripe_is_brought_in(books: Books, database_url: str) -> None:
    books.player_owes()
    books.settle()
    text = press(database_url, "sync_stripe", books.emulator.url, person="ada")
    assert "lines of Stripe's journal are new" in text
    assert "EUR at Stripe: as the ledger has it." in text
    assert press(database_url, "sync_stripe", books.emulator.url, person="ada", day=str(DAY)).startswith("0 lines")


def test_a_sync_that_a_person_asks_for_sees_whose_bank_sends_money_back(books: Books, database_url: str) -> None:
    payout = books.emulator.admin.begin_payout("eur", 400, account="acct_club")
    books.emulator.admin.end_payout(payout["id"], account="acct_club", failure_code="account_closed")
    press(database_url, "sync_stripe", books.emulator.url, person="ada")
    assert [each.payee for each in failing(books.ledger)] == [f"club:{books.club}"]


def test_a_restored_ledger_catches_up(
    admin: Connection, postgres_url: str, template: str, emulator: EmulatedStripe
) -> None:
    place = Place(admin, postgres_url, template, emulator)
    place.night(at=lambda reached: place.back_up() if reached == "booked" else None)
    moved = place.moved()
    place.restore()
    text = press(place.url, "recover_ledger", emulator.url, person="ada")
    assert "movements that the ledger did not know" in text
    assert place.moved() == moved
    place.night()
    place.require_right()
    place.close()
