"""What a charge says of itself, and whose default card it takes."""

import pytest
import stripe as sdk

from payouts_pipeline import settings
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.stripe_emulator.admin import CustomerSeed
from payouts_pipeline.settings import Wording
from payouts_pipeline.settlement.stripe_client import API_VERSION
from payouts_pipeline.workflow import due
from payouts_tests.support.cases import DAY, HOUR, Case

CHARGE = BillingType.PLAYER_CHARGE


def test_a_charge_takes_no_redirects_and_says_what_it_is_for(case: Case) -> None:
    case.open(CHARGE)
    case.deliver()
    assert case.status(CHARGE) == "settled", "the account has payment methods that redirect"
    [intent] = case.stripe.sdk().v1.payment_intents.list({}).data
    assert intent.automatic_payment_methods is not None
    assert intent.automatic_payment_methods.allow_redirects == "never"
    assert (intent.description, intent.statement_descriptor_suffix) == (f"Match fees, {DAY}", "MATCH FEES")


def test_every_call_names_the_version_that_the_sdk_is_of(case: Case) -> None:
    case.materialise()
    assert [row.stripe_version for row in case.stripe.admin.journal()] == [API_VERSION] * 2
    assert sdk.api_version == API_VERSION


@pytest.mark.parametrize(
    "suffix", ["A" * 19, "2026", "CLUB*FEES", "<FEES>", 'FEES"', "FEES'", "F\\S", "Gebühren", "A\n"]
)
def test_a_suffix_that_stripe_would_refuse_stops_with_a_sentence(suffix: str) -> None:
    with pytest.raises(PayoutsError, match="PAYOUTS_STATEMENT_SUFFIX"):
        Wording.from_environment({"PAYOUTS_STATEMENT_SUFFIX": suffix})


@pytest.mark.parametrize("description", [" ", "two\nlines", "a" * 201])
def test_a_description_is_one_line(description: str) -> None:
    with pytest.raises(PayoutsError, match="PAYOUTS_DESCRIPTION"):
        Wording.from_environment({"PAYOUTS_DESCRIPTION": description})


def test_the_wording_can_be_chosen() -> None:
    said = Wording.from_environment({"PAYOUTS_DESCRIPTION": "Fees", "PAYOUTS_STATEMENT_SUFFIX": "SATURDAY"})
    assert (said.description, said.statement_suffix) == ("Fees", "SATURDAY")
    assert Wording.from_environment({}) == Wording(settings.DEFAULT_DESCRIPTION, settings.DEFAULT_STATEMENT_SUFFIX)


def _without_card(case: Case, seed: CustomerSeed) -> None:
    case.stripe.admin.put_customers([seed])
    case.league.set("players", case.player, stripe_customer_id=seed.id, stripe_payment_method_id=None)


def test_a_customer_from_before_payment_methods_pays_with_the_default_source(case: Case) -> None:
    _without_card(case, CustomerSeed(id="cus_old", default_source="card_old", card="pm_card_visa"))
    case.materialise()
    assert case.status(CHARGE) == "settled"


def test_a_customer_that_was_deleted_is_a_reason_of_its_own(case: Case) -> None:
    _without_card(case, CustomerSeed(id="cus_gone", is_deleted=True))
    case.materialise()
    status, reason = case.stands(CHARGE)
    assert status == "rejected"
    assert "was deleted at Stripe" in reason
    assert case.posts(CHARGE) == 0

    _without_card(case, CustomerSeed(id="cus_new", default_payment_method="pm_new", card="pm_card_visa"))
    case.materialise()
    assert case.status(CHARGE) == "settled"


def test_a_new_default_card_at_stripe_alone_is_seen_within_a_day(case: Case) -> None:
    _without_card(case, CustomerSeed(id="cus_1"))
    case.materialise()
    assert (case.status(CHARGE), case.posts(CHARGE)) == ("rejected", 0)
    calls = case.calls()
    case.materialise()
    assert case.calls() == calls, "the customer is looked at once a day"

    case.pass_time(25 * HOUR)
    assert list(due.days_due(case.ledger, case.source)) == [DAY]
    case.materialise()
    assert (case.status(CHARGE), case.posts(CHARGE)) == ("rejected", 0)

    case.stripe.admin.put_customers([CustomerSeed(id="cus_1", default_payment_method="pm_1", card="pm_card_visa")])
    case.pass_time(25 * HOUR)
    case.materialise()
    assert (case.status(CHARGE), case.movements(CHARGE)) == ("settled", 1)
