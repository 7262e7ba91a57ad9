"""A Stripe emulator for all tests here."""

from collections.abc import Iterator

import pytest
import stripe

from payouts_tests.support.emulated_stripe import EmulatedStripe, emulated_stripe


@pytest.fixture(scope="package")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedStripe]:
    """Started once; it must end without a word of its own."""
    with emulated_stripe(tmp_path_factory.mktemp("stripe")) as running:
        yield running
        assert running.output.read_bytes() == b""


@pytest.fixture
def api(emulator: EmulatedStripe) -> stripe.StripeClient:
    """The emulator as on its first day, by the official SDK."""
    emulator.start_over()
    return emulator.sdk()
