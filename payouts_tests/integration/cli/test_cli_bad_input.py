"""What is wrong is said in one sentence that names it, and nothing is written (issue 2, "Bad input")."""

import re
import subprocess
from datetime import date, timedelta

import pytest

from payouts_tests.support.command_line import payouts
from payouts_tests.support.ledger_steps import fingerprint
from payouts_tests.support.worlds import YESTERDAY, World, Worlds

# Nobody listens there.
_NOWHERE = "127.0.0.1:1"


@pytest.fixture(scope="module")
def good(worlds: Worlds) -> World:
    """An installation that lacks nothing; each test spoils one thing of it."""
    return worlds.make()


def require_one_sentence(done: "subprocess.CompletedProcess[str]", *named: str) -> None:
    """An exit code that is not 0, a sentence that names each of these, and no more than that."""
    assert done.returncode not in (0, None), done.stdout
    assert "Traceback" not in done.stderr + done.stdout
    sentences = [line for line in done.stderr.splitlines() if line.startswith(("payouts:", "Error:"))]
    assert len(sentences) == 1, done.stderr
    for name in named:
        assert name in sentences[0]
    assert re.search(r"[.:] ?\S.*\.$", sentences[0]), "it ends, and says more than what is wrong"


_OF_A_QUESTION = {"rate_limit", "identity", "identity_events"}


def run_refused(world: World, spoilt: World, *named: str, day: date = YESTERDAY) -> None:
    """`payouts run` refuses, names what is wrong, and leaves the ledger and Stripe as they are."""
    before = _money(world)
    require_one_sentence(payouts(spoilt, "run", day), *named)
    assert _money(world) == before


def _money(world: World) -> tuple[dict[str, str], object]:
    """The ledger and Stripe's journal; not whose account it is and when it may be asked next: Stripe was asked."""
    kept = fingerprint(world.connect())
    return {name: rows for name, rows in kept.items() if name not in _OF_A_QUESTION}, world.emulator().journal()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PAYOUTS_TIMEZONE", "Mars/Olympus"),
        ("PAYOUTS_START_DATE", "the first of May"),
        ("PAYOUTS_WORKERS", "-1"),
        ("PAYOUTS_MINIMUM_PAYOUT", '{"EUR": 1.5}'),
    ],
)
def test_a_malformed_variable(good: World, variable: str, value: str) -> None:
    run_refused(good, good.but(**{variable: value}), variable)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("STRIPE_API_BASE", "STRIPE_API_KEY"),
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
    ],
)
def test_a_part_that_is_set_by_half(good: World, given: str, missing: str) -> None:
    run_refused(good, good.but(**{missing: None}), given, missing)


def test_a_source_without_a_ledger(good: World) -> None:
    half = good.but(PAYOUTS_SOURCE_URL=good.environment["PAYOUTS_DATABASE_URL"], PAYOUTS_DATABASE_URL=None)
    run_refused(good, half, "PAYOUTS_SOURCE_URL", "PAYOUTS_DATABASE_URL")


@pytest.mark.parametrize("variable", ["PAYOUTS_DATABASE_URL", "PAYOUTS_SOURCE_URL", "DAGSTER_DATABASE_URL"])
def test_a_database_that_is_not_there(good: World, variable: str) -> None:
    spoilt = good.but(**{variable: f"postgresql://payer:hush@{_NOWHERE}/nothing"})
    done = payouts(spoilt, "run", YESTERDAY)
    require_one_sentence(done, variable, "nothing at 127.0.0.1:1")
    assert "hush" not in done.stderr


def test_a_malformed_database_url(good: World) -> None:
    run_refused(good, good.but(PAYOUTS_DATABASE_URL="postgres//hush"), "PAYOUTS_DATABASE_URL")


def test_a_wrong_stripe_key(good: World) -> None:
    run_refused(good, good.but(STRIPE_API_KEY="sk_test_wrong"), "STRIPE_API_KEY")


def test_a_stripe_that_does_not_answer(good: World) -> None:
    run_refused(good, good.but(STRIPE_API_BASE=f"http://{_NOWHERE}"), "STRIPE_API_BASE")


def test_a_missing_stack(good: World) -> None:
    run_refused(good, good.but(PAYOUTS_STACK="not-deployed"), "not-deployed", "payouts deploy", "PAYOUTS_STACK")


def test_an_aws_that_does_not_answer(good: World) -> None:
    run_refused(good, good.but(AWS_ENDPOINT_URL=f"http://{_NOWHERE}"), f"http://{_NOWHERE}")


@pytest.mark.parametrize("days_after", [1, 400])
def test_a_day_that_is_not_over(good: World, days_after: int) -> None:
    day = YESTERDAY + timedelta(days=days_after)
    run_refused(good, good, str(day), "Australia/Sydney", day=day)


def test_a_day_before_the_first(good: World) -> None:
    later = good.but(PAYOUTS_START_DATE=str(YESTERDAY))
    run_refused(good, later, "PAYOUTS_START_DATE", str(YESTERDAY), day=YESTERDAY - timedelta(days=1))


def test_a_day_that_is_none(good: World) -> None:
    require_one_sentence(payouts(good, "run", "2026-02-30"), "2026-02-30")


def test_a_ledger_that_was_not_migrated(worlds: Worlds) -> None:
    world = worlds.make()
    world.connect().execute("drop schema payouts cascade")
    require_one_sentence(payouts(world, "run", YESTERDAY), "payouts migrate", "PAYOUTS_DATABASE_URL")


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        ("alter table league.match_players drop column club_id", "club_id"),
        ("alter table league.players drop column stripe_customer_id", "stripe_customer_id"),
    ],
)
def test_a_league_that_lacks_something(worlds: Worlds, spoil: str, named: str) -> None:
    world = worlds.make()
    world.connect().execute(spoil)
    run_refused(world, world, "league", named)


def test_a_worker_without_threads(good: World) -> None:
    require_one_sentence(payouts(good.but(PAYOUTS_WORKERS="0"), "worker", "--drain"), "PAYOUTS_WORKERS")
