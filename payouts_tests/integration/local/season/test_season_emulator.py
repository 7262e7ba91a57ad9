"""The sample season's customers and accounts at a real emulator."""

from datetime import date

import pytest
import stripe

from payouts_pipeline.local.season import catalogue, reference_frames, register_with_emulator, stripe_entities
from payouts_tests.support import emulated_stripe
from payouts_tests.support.emulated_stripe import EmulatedStripe


@pytest.fixture
def registered(api: stripe.StripeClient, emulator: EmulatedStripe) -> stripe.StripeClient:
    """The provider as the pipeline sees it, after the season was registered twice."""
    day = date(2026, 11, 22)
    entities = stripe_entities(reference_frames(day, day))
    register_with_emulator(emulator.admin, entities)
    register_with_emulator(emulator.admin, entities)
    return api


def charge(client: stripe.StripeClient, player_id: int) -> stripe.PaymentIntent:
    return emulated_stripe.charge(client, 1800, customer=f"cus_sample{player_id}")


def test_a_players_fee_can_be_charged_and_transferred_to_a_club(registered: stripe.StripeClient) -> None:
    intent = charge(registered, catalogue.LOANED_PLAYER)
    transfer = registered.v1.transfers.create(
        {
            "amount": 900,
            "currency": "aud",
            "destination": f"acct_sample{catalogue.club_id('Barnacle Rovers')}",
        }
    )

    assert intent.status == "succeeded"
    assert transfer.amount == 900


@pytest.mark.parametrize(
    ("player_id", "decline_code"),
    [
        (catalogue.PLAYER_WITHOUT_FUNDS, "insufficient_funds"),
        (catalogue.PLAYER_WITH_STOLEN_CARD, "stolen_card"),
    ],
)
def test_the_awkward_cards_are_declined(registered: stripe.StripeClient, player_id: int, decline_code: str) -> None:
    with pytest.raises(stripe.CardError) as declined:
        charge(registered, player_id)

    assert emulated_stripe.error_of(declined).decline_code == decline_code


@pytest.mark.parametrize(
    ("kind", "missing_id"),
    [
        ("customers", f"cus_sample{catalogue.PLAYER_WITHOUT_CUSTOMER}"),
        ("accounts", f"acct_sample{catalogue.CLUB_WITHOUT_ACCOUNT}"),
    ],
)
def test_who_has_no_account_in_the_league_has_none_at_the_provider(
    registered: stripe.StripeClient, kind: str, missing_id: str
) -> None:
    with pytest.raises((stripe.InvalidRequestError, stripe.PermissionError)):
        getattr(registered.v1, kind).retrieve(missing_id)
