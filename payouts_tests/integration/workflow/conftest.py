"""One Stripe emulator for a module's tests, and for each test that asks for it a place that can be restored."""

from collections.abc import Iterator

import pytest

from payouts_pipeline.ledger.database import Connection
from payouts_tests.support.emulated_stripe import EmulatedStripe, emulated_stripe
from payouts_tests.support.places import Place


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedStripe]:
    with emulated_stripe(tmp_path_factory.mktemp("stripe")) as started:
        yield started


@pytest.fixture
def place(admin: Connection, postgres_url: str, template: str, running: EmulatedStripe) -> Iterator[Place]:
    made = Place(admin, postgres_url, template, running)
    yield made
    made.close()
