"""`payouts verify --provider`: what the ledger says of every instruction, against what a real emulator has moved."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import identity
from payouts_pipeline.ledger.attempts import Attempt, Outcome
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.local.stripe_emulator.admin import AccountSeed, CustomerSeed
from payouts_pipeline.reports.audit import Violation
from payouts_pipeline.reports.reconciliation import Settlement, compare, reconcile
from payouts_pipeline.settlement.attempt_execution import execute
from payouts_pipeline.settlement.stripe_answers import Movement
from payouts_pipeline.settlement.stripe_client import StripeClient
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe, transfer
from payouts_tests.support.leagues import DAY, League
from payouts_tests.support.ledger_steps import left_alone, materialise, settled, unknown


@pytest.fixture
def provider(emulator: EmulatedStripe) -> StripeClient:
    emulator.start_over()
    return StripeClient(API_KEY, emulator.url)


@pytest.fixture
def club(league: League, emulator: EmulatedStripe, provider: StripeClient) -> int:
    """A club that gets 20.00 from two players, all of whom the emulator knows."""
    club = league.club("acct_club")
    for number in range(2):
        customer = f"cus_{number}"
        league.fee(league.player(club, customer=customer, method="pm_card_visa"), DAY)
        emulator.admin.put_customers([CustomerSeed(id=customer, default_payment_method="pm_card_visa")])
    emulator.admin.put_accounts([AccountSeed(id="acct_club"), AccountSeed(id="acct_other")])
    emulator.admin.set_balance({"eur": 100_000})
    return club


def through(provider: StripeClient, attempt: Attempt) -> Outcome:
    """What a worker does."""
    return execute(attempt, provider, None, float("inf"))  # type: ignore[arg-type]


def ours(ledger: Connection, instruction_id: str) -> dict[str, str]:
    return {"ledger": str(identity.read(ledger).id), "instruction_id": instruction_id}


def details(found: list[Violation]) -> list[tuple[str, bool]]:
    assert {violation.check for violation in found} <= {"provider"}
    return sorted((violation.detail, violation.is_warning) for violation in found)


def test_a_day_that_settled_agrees(ledger: Connection, source: Connection, provider: StripeClient, club: int) -> None:
    materialise(ledger, source, DAY, lambda attempt: through(provider, attempt))
    calls = provider.calls
    assert reconcile(ledger, provider, None) == []
    assert reconcile(ledger, provider, [DAY]) == []
    assert provider.calls == calls + 4, "one page of charges and one of transfers each"


def test_a_day_without_instructions_agrees(ledger: Connection, provider: StripeClient) -> None:
    assert reconcile(ledger, provider, [DAY + timedelta(days=300)]) == []


def test_settled_here_and_not_there(ledger: Connection, source: Connection, provider: StripeClient, club: int) -> None:
    materialise(ledger, source, DAY, settled)
    assert details(reconcile(ledger, provider, [DAY])) == [("is settled, and Stripe knows of no movement", False)] * 3


@pytest.mark.parametrize("outcome", [left_alone, unknown])
def test_moved_there_and_on_its_way_here_is_a_warning(
    ledger: Connection, source: Connection, provider: StripeClient, club: int, outcome: object
) -> None:
    def moved_and_lost(attempt: Attempt) -> Outcome | None:
        through(provider, attempt)
        assert callable(outcome)
        return outcome(attempt)  # type: ignore[no-any-return]

    materialise(ledger, source, DAY, moved_and_lost)
    status = "sending" if outcome is left_alone else "unknown"
    expected = (f"Stripe has moved its money, and it is {status}: materialise its day", True)
    assert details(reconcile(ledger, provider, None)) == [expected] * 2


def test_moved_there_and_refused_here(
    ledger: Connection, source: Connection, provider: StripeClient, club: int
) -> None:
    def moved_and_denied(attempt: Attempt) -> Outcome:
        through(provider, attempt)
        return replace(unknown(attempt), status="rejected", reason_code="no", retry_after_s=None)  # type: ignore[arg-type]

    materialise(ledger, source, DAY, moved_and_denied)
    ledger.execute("update payouts.instructions set status_at = status_at - interval '1 minute'")
    assert details(reconcile(ledger, provider, None)) == [("Stripe has moved its money, and it is rejected", False)] * 2


def test_moved_twice_of_another_amount_and_to_somebody_else(
    ledger: Connection, source: Connection, emulator: EmulatedStripe, provider: StripeClient, club: int
) -> None:
    materialise(ledger, source, DAY, lambda attempt: through(provider, attempt))
    ((payout,),) = ledger.execute("select id from payouts.instructions where billing_type = 'club_payout'").fetchall()
    transfer(emulator.sdk(), 1_900, "eur", destination="acct_other", metadata=ours(ledger, str(payout)))
    found = reconcile(ledger, provider, [DAY])
    assert {violation.id for violation in found} == {str(payout)}
    assert details(found) == [
        ("Stripe has moved its money 2 times", False),
        ("Stripe has moved its money to or from somebody else than its attempts say", False),
        ("is of 2000 EUR, and Stripe has moved 1900 EUR", False),
    ]


def test_money_for_an_instruction_that_does_not_exist(
    ledger: Connection, emulator: EmulatedStripe, provider: StripeClient, club: int
) -> None:
    transfer(emulator.sdk(), 500, "eur", destination="acct_other", metadata=ours(ledger, "not of ours"))
    transfer(emulator.sdk(), 500, "eur", destination="acct_other")
    others = {"ledger": str(uuid4()), "instruction_id": str(uuid4())}
    transfer(emulator.sdk(), 500, "eur", destination="acct_other", metadata=others)
    (violation,) = reconcile(ledger, provider, None)
    assert violation.id == "not of ours"
    assert "the ledger does not know it" in violation.detail


def test_more_than_a_page_is_read_to_its_end(
    ledger: Connection, source: Connection, emulator: EmulatedStripe, provider: StripeClient, club: int
) -> None:
    materialise(ledger, source, DAY, lambda attempt: through(provider, attempt))
    for _ in range(101):
        transfer(emulator.sdk(), 10, "eur", destination="acct_other")
    calls = provider.calls
    assert reconcile(ledger, provider, None) == []
    assert provider.calls == calls + 3


def test_a_provider_that_refuses_the_question_stops_with_a_sentence(
    ledger: Connection, emulator: EmulatedStripe, club: int
) -> None:
    with pytest.raises(PayoutsError, match="invalid_api_key"):
        reconcile(ledger, StripeClient("sk_test_wrong", emulator.url), None)


HERE = Settlement("i1", "EUR", 1_000, "settled", "tr_1", is_news=False, payees=["acct_1"])
THERE = Movement("tr_1", "i1", 1_000, "EUR", "acct_1")


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (HERE, [THERE]),
        (replace(HERE, status="held", provider_reference=None, payees=[]), []),
        (replace(HERE, is_news=True), []),
    ],
)
def test_what_agrees_or_settled_just_now_is_no_violation(here: Settlement, there: list[Movement]) -> None:
    assert compare([here], there) == []


@pytest.mark.parametrize(
    "there", [replace(THERE, reference="tr_2"), replace(THERE, currency="USD"), replace(THERE, payee="acct_2")]
)
def test_each_difference_is_one_violation_that_names_nobody_at_stripe(there: Movement) -> None:
    (violation,) = compare([HERE], [there])
    assert violation.id == "i1"
    assert "acct_" not in violation.detail
    assert "tr_" not in violation.detail
