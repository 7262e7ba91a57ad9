"""A run, a worker and the Lambda function each stop with a sentence where the ledger must not use the account."""

import re
from collections.abc import Callable
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.stripe_emulator.admin import EmulatorAdmin, KeySeed, PlatformSeed
from payouts_pipeline.settlement import lambda_handler, messages
from payouts_tests.integration.settlement.test_lambda import record
from payouts_tests.support.command_line import payouts
from payouts_tests.support.fleets import publish_charges
from payouts_tests.support.worlds import FIRST_DAY, YESTERDAY, World, Worlds

ANOTHER_ACCOUNT, LIVE_MODE = "sk_test_of_another_account", "sk_live_of_our_account"
KEYS_OF = "STRIPE_API_KEY is a key of"


@pytest.fixture(scope="module")
def before_the_night(worlds: Worlds) -> World:
    """An installation that has paid one day, and whose emulator has another account and another mode."""
    world = worlds.make()
    emulator = world.emulator()
    emulator.put_platforms(PlatformSeed(id="acct_another"))
    emulator.put_keys(
        KeySeed(key=ANOTHER_ACCOUNT, platform="acct_another"), KeySeed(key=LIVE_MODE, platform="acct_emulated")
    )
    ran = payouts(world, "run", FIRST_DAY)
    assert ran.returncode == 0, ran.stderr
    return world


@pytest.fixture(scope="module")
def restored(before_the_night: World) -> World:
    """The same with a night paid, and then the ledger put back to before it."""
    backup = f"backup_{uuid4().hex[:8]}"
    server, name = before_the_night.environment["PAYOUTS_DATABASE_URL"].rsplit("/", 1)
    with psycopg.connect(before_the_night.environment["DAGSTER_DATABASE_URL"], autocommit=True) as admin:
        # Nobody may be connected to what is copied.
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
        admin.execute(SQL("create database {} template {}").format(Identifier(backup), Identifier(name)))
    ran = payouts(before_the_night, "run", YESTERDAY)
    assert ran.returncode == 0, ran.stderr
    return before_the_night.but(PAYOUTS_DATABASE_URL=f"{server}/{backup}")


def run(world: World) -> str:
    ran = payouts(world, "run", YESTERDAY)
    assert ran.returncode == 1
    return ran.stderr + ran.stdout


def worker(world: World) -> str:
    with world.connect() as ledger:
        publish_charges(world, ledger)
    ran = payouts(world, "worker", "--drain")
    assert ran.returncode == 1
    return ran.stderr + ran.stdout


def function(world: World) -> str:
    with world.connect() as ledger:
        publish_charges(world, ledger)
        query = "select id from payouts.instructions where status = 'published' limit 3"
        bodies = [messages.body(found) for (found,) in ledger.execute(query)]
    batch = {"Records": [record(number, body) for number, body in enumerate(bodies)]}
    with world.entered(), pytest.raises(PayoutsError) as refused:
        lambda_handler.handler(batch, None)
    lambda_handler.close()
    return str(refused.value)


HOSTS = pytest.mark.parametrize("host", [run, worker, function])


def moved(world: World) -> int:
    return len(world.emulator().journal())


@HOSTS
@pytest.mark.parametrize("key", [ANOTHER_ACCOUNT, LIVE_MODE])
def test_a_key_of_another_account_or_mode_sends_nothing(
    before_the_night: World, key: str, host: Callable[[World], str]
) -> None:
    before = moved(before_the_night)
    said = host(before_the_night.but(STRIPE_API_KEY=key))
    assert KEYS_OF in re.sub(r"\s+", " ", said)
    assert key not in said
    assert moved(before_the_night) == before
    with EmulatorAdmin(before_the_night.environment["STRIPE_API_BASE"], api_key=key) as admin:
        assert admin.journal() == []


@HOSTS
def test_a_restored_ledger_sends_nothing(restored: World, host: Callable[[World], str]) -> None:
    before = moved(restored)
    assert "'payouts recover'" in re.sub(r"\s+", " ", host(restored))
    assert moved(restored) == before


def test_a_restored_ledger_pays_nobody_twice_once_it_has_caught_up(restored: World) -> None:
    before = moved(restored)
    assert payouts(restored, "recover").returncode == 0
    ran = payouts(restored, "run", YESTERDAY)
    assert (ran.returncode, moved(restored)) == (0, before), ran.stderr
