"""A `league` that is not as agreed, as an operator meets it: what is said, that nothing moves, and how it goes on."""

import json
from typing import Any

import pytest

from payouts_tests.support.command_line import payouts
from payouts_tests.support.ledger_steps import fingerprint
from payouts_tests.support.worlds import YESTERDAY, World, Worlds

VIEW = "alter table league.matches rename to own_matches; create view league.matches as {query}"
ONCE_AGAIN = "drop view league.matches; alter table league.own_matches rename to matches"
WITHOUT_ZONE = VIEW.format(
    query="select id, competition_id, kicked_off_at at time zone 'UTC' as kicked_off_at, status from league.own_matches"
)
OF_THE_DAY = f"(kicked_off_at at time zone 'Australia/Sydney')::date = '{YESTERDAY}'"
DOUBLED = VIEW.format(
    query="select * from league.own_matches union all"  # noqa: S608
    f" (select * from league.own_matches where status = 'played' and {OF_THE_DAY} order by id limit 1)"
)


@pytest.fixture(scope="module")
def paid(worlds: Worlds) -> World:
    """A day that was paid."""
    world = worlds.make()
    assert payouts(world, "run", YESTERDAY).returncode == 0
    return world


def moved(world: World) -> int:
    """How many lines Stripe's journal has."""
    return len(world.emulator().journal())


def contract(world: World, code: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `run` ends with: the check of the contract, and the day."""
    run = payouts(world, "run", YESTERDAY, "--json")
    assert run.returncode == code, run.stderr
    [day] = json.loads(run.stdout)["days"]
    [check] = [check for check in day["checks"] if check["check"] == "league_keeps_its_contract"]
    assert check["severity"] == "WARN"
    return check, day


def test_a_kick_off_without_a_zone_stops_everything_that_reads_it_and_is_said_in_a_sentence(paid: World) -> None:
    database = paid.connect()
    before, lines = fingerprint(database), moved(paid)
    database.execute(WITHOUT_ZONE)
    name = database.info.dbname
    database.execute(f"alter database {name} set timezone to 'America/Los_Angeles'")
    sentence = "league.matches.kicked_off_at is timestamp without time zone and must be timestamp with time zone"
    for command in (("run", YESTERDAY), ("preview", YESTERDAY)):
        done = payouts(paid, *command)
        assert done.returncode == 1
        said = " ".join((done.stdout + done.stderr).split())
        assert sentence in said
        assert "kicked_off_at at time zone 'Europe/London'" in said
    assert fingerprint(database) == before
    assert moved(paid) == lines

    database.execute(ONCE_AGAIN)
    check, _ = contract(paid, 0)
    assert check["passed"]
    assert (fingerprint(database), moved(paid)) == (before, lines), "nobody is charged or paid twice"
    database.execute(f"alter database {name} reset timezone")


def test_a_doubled_match_stops_its_day_and_is_named(worlds: Worlds) -> None:
    world = worlds.make()
    database = world.connect()
    ((match,),) = database.execute(
        f"select min(id) from league.matches where status = 'played' and {OF_THE_DAY}"  # noqa: S608
    ).fetchall()
    database.execute(DOUBLED)
    check, day = contract(world, 1)
    assert not check["passed"]
    assert f"league.matches.id has {match} twice" in check["description"]
    assert day["changed"]["fee_components"] == 0
    assert moved(world) == 0
    database.execute(ONCE_AGAIN)
    assert contract(world, 0)[0]["passed"]
    assert moved(world) > 0


def test_words_in_capitals_are_paid_and_said(worlds: Worlds) -> None:
    world = worlds.make()
    database = world.connect()
    database.execute(
        VIEW.format(query="select id, competition_id, kicked_off_at, upper(status) as status from league.own_matches")
    )
    database.execute("update league.fee_structures set currency = lower(currency)")
    check, _ = contract(world, 0)
    assert not check["passed"]
    assert "league.matches.status says 'PLAYED'" in check["description"]
    assert "which is read as played" in check["description"]
    assert "league.fee_structures.currency says 'aud'" in check["description"]
    lines = moved(world)
    assert lines > 0
    database.execute(f"{ONCE_AGAIN}; update league.fee_structures set currency = upper(currency)")  # noqa: S608
    assert contract(world, 0)[0]["passed"]
    assert moved(world) == lines


def test_a_day_without_a_result_is_a_warning_and_is_paid_once_they_are_in(worlds: Worlds) -> None:
    world = worlds.make()
    database = world.connect()
    database.execute(f"update league.matches set status = 'scheduled' where status = 'played' and {OF_THE_DAY}")  # noqa: S608
    check, day = contract(world, 0)
    assert not check["passed"]
    assert check["description"].startswith("None of the ")
    assert "materialise the day again" in check["description"]
    assert day["changed"]["fee_components"] == 0
    database.execute(f"update league.matches set status = 'played' where status = 'scheduled' and {OF_THE_DAY}")  # noqa: S608
    assert contract(world, 0)[0]["passed"]
    assert moved(world) > 0
