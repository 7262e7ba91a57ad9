"""Whose account it is, before anything is sent or judged: pinned at the first call; another ledger's is asked about."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date

import pytest
from psycopg import OperationalError
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import identity
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.identity import Account
from payouts_pipeline.local.stripe_emulator.admin import AccountSeed, CustomerSeed, KeySeed, PlatformSeed
from payouts_pipeline.settlement.assemble import StripeAccount, settlement
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe, emulated_stripe
from payouts_tests.support.leagues import League
from payouts_tests.support.ledger_steps import book, fingerprint, ids, release, violations
from payouts_tests.support.ledgers import made_anew

DAY = date(2026, 5, 2)
OURS = Account("acct_emulated", "test")
OTHER_ACCOUNT, LIVE = "sk_test_of_another_account", "sk_live_of_our_account"
OTHER_KEYS = pytest.mark.parametrize("key", [OTHER_ACCOUNT, LIVE])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedStripe]:
    with emulated_stripe(tmp_path_factory.mktemp("stripe")) as started:
        yield started


@pytest.fixture
def emulator(running: EmulatedStripe, league: League) -> EmulatedStripe:
    """Stripe with another account and another mode; one club gets 10.00 from one player, whom all know."""
    league.fee(league.player(league.club("acct_club"), customer="cus_1", method="pm_card_visa"), DAY)
    running.admin.reset()
    running.admin.put_platforms(PlatformSeed(id="acct_another"))
    running.admin.put_keys(KeySeed(key=OTHER_ACCOUNT, platform="acct_another"), KeySeed(key=LIVE, platform=OURS.id))
    for key in (API_KEY, OTHER_ACCOUNT, LIVE):
        with running.admin_of(key) as admin:
            admin.put_customers([CustomerSeed(id="cus_1", default_payment_method="pm_card_visa")])
            admin.put_accounts([AccountSeed(id="acct_club")])
            admin.set_balance({"eur": 100_000})
    return running


def pay(url: str, ledger: Connection, source: Connection, emulator: EmulatedStripe, key: str = API_KEY) -> int:
    """What a night does, with parts as every host has them; how many calls it made."""
    with settlement(url, StripeAccount(key, emulator.url), threads=2) as parts:
        for phase in (book, release):
            phase(ledger, source, DAY)
            parts.worker.settle(ids(ledger))
        return parts.calls


def check(url: str, emulator: EmulatedStripe, key: str = API_KEY) -> None:
    with settlement(url, StripeAccount(key, emulator.url), threads=1) as parts:
        parts.standing.check()


def moved(emulator: EmulatedStripe, key: str = API_KEY) -> int:
    with emulator.admin_of(key) as admin:
        return len(admin.journal())


def test_the_first_call_pins_the_ledger(
    database_url: str, ledger: Connection, source: Connection, emulator: EmulatedStripe
) -> None:
    assert identity.read(ledger).account is None
    pay(database_url, ledger, source, emulator)
    assert identity.read(ledger).account == OURS
    assert [event.what for event in identity.events(ledger)] == ["pinned"]
    assert moved(emulator) == 2
    before = fingerprint(ledger)
    assert pay(database_url, ledger, source, emulator) == 0, "a day with nothing to do asks Stripe nothing"
    assert fingerprint(ledger) == before


def test_who_only_looks_pins_nothing(
    database_url: str, ledger: Connection, source: Connection, emulator: EmulatedStripe
) -> None:
    book(ledger, source, DAY)
    before = fingerprint(ledger)
    with settlement(database_url, StripeAccount(API_KEY, emulator.url), threads=1) as parts:
        assert parts.standing.judge() == (identity.read(ledger), OURS)
    assert fingerprint(ledger) == before
    pay(database_url, ledger, source, emulator)
    with (
        settlement(database_url, StripeAccount(LIVE, emulator.url), threads=1) as parts,
        pytest.raises(PayoutsError, match="STRIPE_API_KEY is a key of"),
    ):
        parts.standing.judge()


@OTHER_KEYS
def test_a_key_of_another_account_or_mode_sends_nothing(
    database_url: str, ledger: Connection, source: Connection, emulator: EmulatedStripe, key: str
) -> None:
    check(database_url, emulator)
    book(ledger, source, DAY)
    before = fingerprint(ledger)
    with pytest.raises(PayoutsError, match="STRIPE_API_KEY is a key of"):
        pay(database_url, ledger, source, emulator, key)
    after = fingerprint(ledger)
    assert {name for name in before if before[name] != after[name]} <= {"rate_limit"}
    assert moved(emulator, key) == 0


@OTHER_KEYS
def test_a_key_of_another_account_or_mode_judges_nothing(
    database_url: str, ledger: Connection, source: Connection, emulator: EmulatedStripe, key: str
) -> None:
    """`verify --provider` would find that nothing of the ledger was ever moved."""
    pay(database_url, ledger, source, emulator)
    with (
        settlement(database_url, StripeAccount(key, emulator.url), threads=1) as parts,
        pytest.raises(PayoutsError, match="STRIPE_API_KEY is a key of"),
    ):
        parts.stripe()


def test_a_person_moves_the_ledger_to_another_account(
    database_url: str, ledger: Connection, source: Connection, emulator: EmulatedStripe
) -> None:
    pay(database_url, ledger, source, emulator)
    identity.set_beside(ledger, Account("acct_another", "test"), "somebody", "a new account")
    assert identity.read(ledger).account == Account("acct_another", "test")
    assert [event.what for event in identity.events(ledger)] == ["pinned", "repinned", "beside"]
    with pytest.raises(PayoutsError, match="belongs to acct_another"):
        check(database_url, emulator)
    check(database_url, emulator, OTHER_ACCOUNT)


def test_a_ledger_with_something_in_progress_stays(
    database_url: str, ledger: Connection, source: Connection, emulator: EmulatedStripe
) -> None:
    check(database_url, emulator)
    book(ledger, source, DAY)
    ledger.execute(
        "insert into payouts.attempts (instruction_id, number, stripe_customer_id, stripe_payment_method_id)"
        " select id, 1, stripe_customer_id, stripe_payment_method_id from payouts.instructions"
    )
    with pytest.raises(PayoutsError, match="may be in progress"):
        identity.set_beside(ledger, Account("acct_another", "test"), "somebody", "why not")
    assert identity.read(ledger).account == OURS


def test_a_new_ledger_where_another_has_moved_money_asks_first(
    database_url: str, ledger: Connection, source: Connection, emulator: EmulatedStripe
) -> None:
    pay(database_url, ledger, source, emulator)
    first = identity.read(ledger).id
    made_anew(ledger)
    with pytest.raises(PayoutsError, match=f"Another ledger, {first}, .* last of it for {DAY}: nothing was sent"):
        pay(database_url, ledger, source, emulator)
    assert moved(emulator) == 2
    assert identity.read(ledger).account is None

    identity.set_beside(ledger, OURS, "somebody", "two countries")
    pay(database_url, ledger, source, emulator)
    assert moved(emulator) == 4
    assert violations(ledger) == {}


def test_movements_that_no_ledger_has_made_are_nobodys(
    database_url: str, ledger: Connection, source: Connection, emulator: EmulatedStripe
) -> None:
    order = {"amount": 500, "currency": "eur", "destination": "acct_club", "metadata": {"order": "7"}}
    emulator.sdk().v1.transfers.create(order)  # type: ignore[arg-type]
    pay(database_url, ledger, source, emulator)
    assert moved(emulator) == 3


def test_a_database_that_was_replaced_is_asked_about_again(
    admin: Connection, postgres_url: str, template: str, emulator: EmulatedStripe
) -> None:
    """A worker lives for weeks; what it found of one database says nothing of the one that was restored over it."""
    url = make_conninfo(postgres_url, dbname="replaced")
    make = SQL("create database replaced template {}").format(Identifier(template))
    admin.execute(make)
    with settlement(url, StripeAccount(API_KEY, emulator.url), threads=1) as parts:
        parts.standing.check()
        calls = parts.calls
        parts.standing.check()
        assert parts.calls == calls
        admin.execute("drop database replaced with (force)")
        admin.execute(make)
        with suppress(OperationalError):
            parts.standing.check()  # notices the loss, if the connection served a moment ago
        parts.standing.check()
        assert parts.calls > calls
    admin.execute("drop database replaced with (force)")


def test_the_command_shows_and_decides(database_url: str, ledger: Connection, emulator: EmulatedStripe) -> None:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ} | {
            "PAYOUTS_DATABASE_URL": database_url,
            "STRIPE_API_KEY": API_KEY,
            "STRIPE_API_BASE": emulator.url,
        }
        line = [sys.executable, "-c", "from payouts_pipeline.cli.main import main; main()", "ledger", *arguments]
        return subprocess.run(line, env=environment, capture_output=True, text=True, check=False)

    assert "Belongs to no account at Stripe yet" in command().stdout
    assert command("--beside").returncode == 2, "without a reason"
    said = command("--beside", "--reason", "staging beside live")
    assert f"Ledger {identity.read(ledger).id}" in said.stdout, said.stderr
    assert "staging beside live" in said.stdout
    check(database_url, emulator)
    assert f"Belongs to {OURS} at Stripe" in command().stdout
