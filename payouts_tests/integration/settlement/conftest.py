"""One Stripe emulator for a module's tests, and for each test a case that begins anew."""

from collections.abc import Iterator

import pytest

from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settlement import stripe_client
from payouts_tests.support.cases import Case, one_case
from payouts_tests.support.emulated_stripe import EmulatedStripe, emulated_stripe
from payouts_tests.support.leagues import League


@pytest.fixture(scope="module")
def stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedStripe]:
    with emulated_stripe(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture
def case(
    ledger: Connection, source: Connection, league: League, stripe: EmulatedStripe, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Case]:
    monkeypatch.setattr(stripe_client, "_RATE_LIMIT_PAUSE_S", 0.01)
    with one_case(ledger, source, league, stripe) as made:
        yield made
