"""A night in which everything is refused for one reason stops after a few; the rest goes out once that is fixed."""

import json

import pytest

from payouts_pipeline.local import season
from payouts_pipeline.local.stripe_emulator.admin import FaultKind, FaultRule, PlatformSeed
from payouts_tests.support.command_line import payouts
from payouts_tests.support.fleets import publish_charges, require_each_once, statuses
from payouts_tests.support.ledger_steps import violations
from payouts_tests.support.worlds import FIRST_DAY, YESTERDAY, World

OURS = "acct_emulated"
# More at once would be sent before the first refusals are seen.
THREADS = "2"


def posts(world: World) -> int:
    return world.emulator().counters().get("POST /v1/payment_intents", 0)


def forget_everybody(world: World) -> None:
    """Another account's key: Stripe knows none of the customers."""
    world.emulator().reset()


def restrict_our_account(world: World) -> None:
    world.emulator().put_platforms(PlatformSeed(id=OURS, charges_enabled=False))


def put_right(world: World) -> None:
    world.emulator().put_platforms(PlatformSeed(id=OURS))
    people = season.stripe_entities(season.reference_frames(FIRST_DAY, YESTERDAY))
    season.register_with_emulator(world.emulator(), people)


@pytest.mark.parametrize(
    ("goes_wrong", "code", "refused"),
    [(forget_everybody, "resource_missing", "rejected"), (restrict_our_account, "invalid_request", "waiting")],
    ids=["nobody is known", "our account is restricted"],
)
def test_a_run_stops_sending_says_why_and_the_next_one_sends_the_rest(
    world: World, goes_wrong: object, code: str, refused: str
) -> None:
    slow, ledger = world.but(PAYOUTS_WORKERS=THREADS), world.connect()
    goes_wrong(world)  # type: ignore[operator]
    run = payouts(slow, "run", YESTERDAY, "--json")
    assert run.returncode == 1
    said = run.stdout + run.stderr
    assert "Stopped sending" in said
    assert code in said
    stopped_at = statuses(ledger)
    assert 10 <= stopped_at[refused] <= 20
    left = stopped_at.get("pending", 0) + stopped_at.get("published", 0)
    assert left >= 10
    assert violations(ledger) == {}
    assert world.emulator().journal() == []

    put_right(world)
    retried = payouts(slow, "retry", "--code", code, "--reason", "the account was put right")
    assert retried.returncode == 0, retried.stderr
    again = payouts(slow, "run", YESTERDAY, "--json")
    assert again.returncode == 0, again.stderr
    assert statuses(ledger)["settled"] >= left + stopped_at[refused] - 6
    assert not {"pending", "published", "sending"} & statuses(ledger).keys()
    require_each_once(world, ledger)


def test_a_range_of_days_is_stopped_as_a_whole(world: World) -> None:
    forget_everybody(world)
    run = payouts(world.but(PAYOUTS_WORKERS=THREADS), "run", FIRST_DAY, "--to", YESTERDAY)
    assert run.returncode == 1
    assert "Stopped sending" in run.stdout + run.stderr
    assert statuses(world.connect())["rejected"] <= 20


def test_a_worker_stops_sending_and_ends_with_an_error(world: World) -> None:
    ledger = world.connect()
    published = publish_charges(world, ledger)
    forget_everybody(world)
    worker = payouts(world, "worker", "--drain", "--concurrency", THREADS)
    assert worker.returncode == 1
    assert "Stopped sending" in worker.stderr
    assert "payouts retry --code resource_missing" in worker.stderr
    assert statuses(ledger)["rejected"] < published
    assert violations(ledger) == {}


def test_everyday_declines_of_cards_stop_nothing(world: World) -> None:
    declined = FaultRule(kind=FaultKind.DECLINE, method="POST", decline_code="insufficient_funds")
    world.emulator().add_faults(declined)
    run = payouts(world, "run", YESTERDAY, "--json")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["days"]
    assert statuses(world.connect())["waiting"] > 20
