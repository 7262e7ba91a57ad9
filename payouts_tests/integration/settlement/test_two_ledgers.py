"""Two ledgers on one Stripe account (rule of money 9): neither takes a movement of the other for its own."""

from datetime import date

import pytest

from payouts_pipeline.ledger import identity
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.local.stripe_emulator.admin import AccountSeed, CustomerSeed
from payouts_pipeline.settlement.attempt_execution import execute
from payouts_pipeline.settlement.stripe_client import StripeClient
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe
from payouts_tests.support.leagues import League
from payouts_tests.support.ledger_steps import materialise, violations
from payouts_tests.support.ledgers import made_anew

DAY = date(2026, 5, 2)


@pytest.fixture
def provider(emulator: EmulatedStripe, league: League) -> StripeClient:
    """One club that gets 10.00 from one player, both of whom the emulator knows."""
    league.fee(league.player(league.club("acct_club"), customer="cus_1", method="pm_card_visa"), DAY)
    emulator.admin.reset()
    emulator.admin.put_customers([CustomerSeed(id="cus_1", default_payment_method="pm_card_visa")])
    emulator.admin.put_accounts([AccountSeed(id="acct_club")])
    emulator.admin.set_balance({"eur": 100_000})
    return StripeClient(API_KEY, emulator.url)


def pay(ledger: Connection, source: Connection, provider: StripeClient) -> set[str]:
    """Materialise the day; the ids of its instructions."""
    materialise(ledger, source, DAY, lambda attempt: execute(attempt, provider, None, float("inf")))  # type: ignore[arg-type]
    assert violations(ledger) == {}
    rows = ledger.execute("select id::text from payouts.instructions where status = 'settled'").fetchall()
    return {instruction_id for (instruction_id,) in rows}


def test_each_ledger_moves_its_own_money(
    ledger: Connection, source: Connection, emulator: EmulatedStripe, provider: StripeClient
) -> None:
    first_ledger, first = identity.read(ledger).id, pay(ledger, source, provider)
    made_anew(ledger)
    second_ledger, second = identity.read(ledger).id, pay(ledger, source, provider)
    assert len(first) == len(second) == 2
    assert not first & second
    moved = [(row.metadata["ledger"], row.metadata["instruction_id"]) for row in emulator.admin.journal()]
    assert set(moved) == {(str(first_ledger), i) for i in first} | {(str(second_ledger), i) for i in second}
    assert len(moved) == 4


def test_every_call_says_whose_it_is(
    ledger: Connection, source: Connection, emulator: EmulatedStripe, provider: StripeClient
) -> None:
    pay(ledger, source, provider)
    for row in emulator.admin.journal():
        assert set(row.metadata) == {"ledger", "instruction_id", "attempt", "day", "billing_type"}
