"""What the pipeline calls at Stripe, made at the emulator and in Stripe's test mode, and compared call by call.

`make test` holds the emulator to what Stripe documents; `make test-stripe` holds Stripe itself to it as well, with a
key in `STRIPE_TEST_KEY`. Each test is a step of one flow, which is played once at each provider.
"""

import os
from collections.abc import Iterator, Mapping

import pytest
import stripe

from payouts_pipeline.errors import PayoutsError
from payouts_tests.contract.comparing import differences
from payouts_tests.contract.expectations import Expected
from payouts_tests.contract.expected import EXPECTED
from payouts_tests.contract.flow import STEPS, Broken, Result, Skipped, play
from payouts_tests.contract.observations import Observation
from payouts_tests.contract.providers import Emulated, TestMode, is_test_key
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe, emulated_stripe

NAMES = [step.name for step in STEPS]
KEY = os.environ.get("STRIPE_TEST_KEY", "")
# One line for all steps, where there is no key; one failure, where it is a key that must not be used.
NO_STRIPE = pytest.mark.skipif(
    not KEY, reason="STRIPE_TEST_KEY is not set, so Stripe itself was not called: only the emulator was compared"
)

Played = Mapping[str, Result]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedStripe]:
    with emulated_stripe(tmp_path_factory.mktemp("contract")) as running:
        yield running


@pytest.fixture(scope="module")
def of_emulator(emulator: EmulatedStripe) -> Played:
    return play(Emulated(emulator))


@pytest.fixture(scope="module")
def of_stripe() -> Played:
    try:
        return play(TestMode(KEY, account=os.environ.get("STRIPE_TEST_ACCOUNT")))
    except (PayoutsError, stripe.StripeError) as error:
        why = str(error)
    # Without a traceback, which would show the key.
    pytest.fail(f"The flow could not be played at Stripe: {why}", pytrace=False)


def compared(step: str, **said: Result) -> list[str]:
    """All differences in a step, which must have been made; what a provider can't do is skipped with the reason."""
    heard = {}
    for provider, result in said.items():
        if isinstance(result, Skipped):
            pytest.skip(f"«{step}» is not comparable: {result.reason}")
        assert not isinstance(result, Broken), f"«{step}» could not be made at {provider}: {result.what}"
        heard[provider] = result
    return differences(step, EXPECTED[step], heard)


def test_every_step_has_an_expectation_and_a_name_of_its_own() -> None:
    assert sorted(NAMES) == sorted(EXPECTED)
    assert len(set(NAMES)) == len(NAMES)
    assert all(expected.source.startswith("https://") for expected in EXPECTED.values())


@pytest.mark.parametrize("step", NAMES)
def test_the_emulator_answers_as_stripe_is_documented(of_emulator: Played, step: str) -> None:
    assert not isinstance(of_emulator[step], Skipped)
    assert compared(step, emulator=of_emulator[step]) == []


@pytest.mark.stripe
@pytest.mark.parametrize("step", NAMES if is_test_key(KEY) else [pytest.param("", marks=NO_STRIPE)])
def test_stripe_answers_as_it_is_documented_and_as_the_emulator_does(
    of_emulator: Played, of_stripe: Played, step: str
) -> None:
    assert compared(step, emulator=of_emulator[step], stripe=of_stripe[step]) == []


def test_the_same_flow_is_played_where_a_key_is_all_that_is_known(emulator: EmulatedStripe) -> None:
    """As in Stripe's test mode, but for who answers."""
    Emulated(emulator).destination()
    played = play(TestMode(API_KEY, emulator.url, "acct_contract"))
    assert [line for step in NAMES for line in compared(step, stripe=played[step])] == []


def test_without_an_account_that_can_receive_the_transfers_alone_are_not_comparable(emulator: EmulatedStripe) -> None:
    played = play(TestMode(API_KEY, emulator.url))
    skipped = {step: result for step, result in played.items() if isinstance(result, Skipped)}
    assert {"transfer", "find the transfer", "look at the account that can receive"} <= skipped.keys()
    assert all("STRIPE_TEST_ACCOUNT" in result.reason for result in skipped.values())
    assert [step for step, result in played.items() if isinstance(result, Broken)] == []
    assert "charge" not in skipped


@pytest.mark.parametrize("key", ["sk_live_0123456789", "rk_live_0123456789", "pk_test_0123456789", "live", ""])
def test_a_key_that_is_not_of_test_mode_is_never_used(key: str) -> None:
    with pytest.raises(PayoutsError, match=r"STRIPE_TEST_KEY is not a key of Stripe's test mode") as refused:
        TestMode(key, "http://127.0.0.1:1")
    assert not key or key not in str(refused.value)
    assert is_test_key("rk_test_0123456789")


def test_a_difference_names_the_step_the_field_what_is_expected_and_who_said_what() -> None:
    expected = Expected("https://docs.stripe.com/x", {"http status": 402})
    said: dict[str, Observation] = {
        "emulator": {"http status": 200, "param": None},
        "stripe": {"http status": 402, "param": "id"},
    }

    both = differences("pay", expected, said)

    assert both == [
        "«pay», http status: expected 402 (https://docs.stripe.com/x); emulator said 200; stripe said 402",
        "«pay», param: not documented; emulator said None; stripe said 'id'",
    ]
    assert differences("pay", expected, {"stripe": said["stripe"]}) == []
    assert differences("pay", expected, {"stripe": {}}) != []
