"""Runs the machine: a bounded, repeatable profile by default, a long campaign with PAYOUTS_STATEFUL_EXAMPLES."""

import os
import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settlement import stripe_client
from payouts_tests.stateful.machine import Payouts
from payouts_tests.stateful.world import World
from payouts_tests.support.emulated_stripe import EmulatedStripe, emulated_stripe

QUICK_EXAMPLES = 12
STEPS = 25
CAMPAIGN_STEPS = 40


@pytest.fixture(scope="module")
def stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedStripe]:
    with emulated_stripe(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture
def world(
    admin: Connection, template: str, postgres_url: str, stripe: EmulatedStripe, monkeypatch: pytest.MonkeyPatch
) -> World:
    monkeypatch.setattr(stripe_client, "_RATE_LIMIT_PAUSE_S", 0.01)
    return World(admin, template, postgres_url, stripe)


def test_whatever_happens_everyone_is_paid_exactly_once(world: World) -> None:
    examples = int(os.environ.get("PAYOUTS_STATEFUL_EXAMPLES", 0))
    machine = type("PayoutsOfThisRun", (Payouts,), {"world": world})
    if examples:
        chosen = int(os.environ.get("PAYOUTS_STATEFUL_SEED") or random.SystemRandom().randrange(10**9))
        print(f"\nPAYOUTS_STATEFUL_SEED={chosen} PAYOUTS_STATEFUL_EXAMPLES={examples}")
        machine = seed(chosen)(machine)
    try:
        run_state_machine_as_test(machine, settings=_profile(examples))
    finally:
        print(
            f"{world.examples} examples, {world.steps} steps, {world.movements} movements of money, "
            f"{world.calls} calls of the provider, {world.late_payments} late payments; {world.restores} restores lost "
            f"{world.lost} movements and payment intents, {world.given_back} of which a person gave back"
        )


def _profile(examples: int) -> settings:
    return settings(
        max_examples=examples or QUICK_EXAMPLES,
        stateful_step_count=CAMPAIGN_STEPS if examples else STEPS,
        derandomize=not examples,
        database=None,
        deadline=None,
        print_blob=bool(examples),
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
