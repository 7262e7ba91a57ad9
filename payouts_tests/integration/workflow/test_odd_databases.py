"""A day is paid on databases as they come, or a sentence says why not: never a traceback, never silence."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import conninfo_to_dict

from payouts_pipeline.cli.running import run
from payouts_pipeline.ledger.database import SOURCE, open_connection, sql
from payouts_pipeline.local import season
from payouts_pipeline.local.stripe_emulator.admin import FaultKind, FaultRule
from payouts_tests.support.command_line import payouts
from payouts_tests.support.leagues import SYDNEY
from payouts_tests.support.ledger_steps import fingerprint
from payouts_tests.support.materialising import day_by_day, ledger_of
from payouts_tests.support.odd_databases import ODD, IdleEnds, database_of, login_with, url_of
from payouts_tests.support.pgbouncer import pgbouncer
from payouts_tests.support.worlds import DAYS, TRIM, YESTERDAY, World, Worlds

_IDLE_S = 1.5
_URLS = ("PAYOUTS_DATABASE_URL", "PAYOUTS_SOURCE_URL", "DAGSTER_DATABASE_URL")

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def plain(worlds: Worlds) -> World:
    """An installation that was paid out with nothing odd about it; Dagster has made its tables."""
    world = worlds.make()
    require_paid(payouts(world, "run", YESTERDAY, "--json"))
    return world


def require_paid(done: Done) -> None:
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    [day] = json.loads(done.stdout)["days"]
    assert any(line["status"] == "settled" for line in day["instructions"])


def require_refused(done: Done, *said: str) -> None:
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    for words in said:
        assert words in done.stderr


def with_source(world: World) -> World:
    """The same with a URL of its own for the league."""
    return world.but(PAYOUTS_SOURCE_URL=world.environment["PAYOUTS_DATABASE_URL"])


def replaced(world: World, name: str, **parts: object) -> World:
    return world.but(**{name: url_of(world.environment[name], **parts)})


@pytest.fixture
def odd(plain: World, worlds: Worlds) -> Iterator[World]:
    """An installation whose logins have all settings that were ever in the way."""
    world = with_source(worlds.make())
    # Dagster's tables are where the path of its login leads.
    of_dagster = {name: value for name, value in ODD.items() if name != "search_path"}
    with (
        login_with(world.environment["PAYOUTS_DATABASE_URL"], ODD) as ledger,
        login_with(world.environment["DAGSTER_DATABASE_URL"], of_dagster) as dagster,
    ):
        urls = {"PAYOUTS_DATABASE_URL": ledger, "PAYOUTS_SOURCE_URL": ledger, "DAGSTER_DATABASE_URL": dagster}
        yield world.but(**{name: url_of(url) for name, url in urls.items()})


def test_a_day_is_paid_whatever_the_logins_are_set_to(odd: World, plain: World) -> None:
    require_paid(payouts(odd, "run", YESTERDAY, "--json"))
    with plain.connect() as one, odd.connect() as other:
        assert {name: len(rows) for name, rows in ledger_of(one).items()} == {
            name: len(rows) for name, rows in ledger_of(other).items()
        }
        before = fingerprint(other)
        assert payouts(odd, "run", YESTERDAY).returncode == 0
        assert fingerprint(other) == before
    assert payouts(odd, "verify").returncode == 0


def test_a_url_may_begin_as_others_write_it(worlds: Worlds) -> None:
    world = with_source(worlds.make())
    for name in _URLS:
        world = replaced(world, name, scheme="postgres")
    require_paid(payouts(world, "run", YESTERDAY, "--json"))


def test_a_day_is_paid_and_shown_where_connections_end_that_idle(worlds: Worlds) -> None:
    world = with_source(worlds.make())
    where = conninfo_to_dict(world.environment["PAYOUTS_DATABASE_URL"])
    firewall = IdleEnds(str(where["host"]), int(str(where["port"])), _IDLE_S)
    for name in _URLS:
        world = replaced(world, name, port=firewall.port)
    for prefix in ("/v1/payment_intents", "/v1/transfers"):
        world.emulator().add_faults(
            FaultRule(kind=FaultKind.SLOW_AFTER, method="POST", path_prefix=prefix, times=3, delay_s=2 * _IDLE_S)
        )
    require_paid(payouts(world, "run", YESTERDAY, "--json"))
    assert firewall.ended


@pytest.mark.parametrize("name", ["PAYOUTS_DATABASE_URL", "DAGSTER_DATABASE_URL"])
def test_a_database_that_is_read_only_is_said(worlds: Worlds, name: str) -> None:
    world = worlds.make()
    with login_with(world.environment[name], {"default_transaction_read_only": "on"}) as url:
        done = payouts(with_source(world).but(**{name: url_of(url)}), "run", YESTERDAY)
    require_refused(done, "is read-only for this login", "default_transaction_read_only")


@pytest.mark.parametrize(
    ("lock", "table"),
    [
        ("select from payouts.days for update", "payouts.days"),
        ("lock table payouts.instructions", "payouts.instructions"),
        ("lock table league.matches", "league.matches"),
    ],
)
def test_a_lock_that_a_client_keeps_is_said_and_nothing_is_lost(
    plain: World, worlds: Worlds, monkeypatch: pytest.MonkeyPatch, lock: str, table: str
) -> None:
    world = worlds.make()
    day_by_day(world, [YESTERDAY], ["matches", "splits"])
    with world.connect() as ledger:
        ledger.execute("insert into payouts.days (day) values (%s)", (YESTERDAY,))
    monkeypatch.setitem(sql.texts, "prepare_session", sql("prepare_session").replace("2min", "1s"))
    url = world.environment["PAYOUTS_DATABASE_URL"]
    with closing(psycopg.connect(url, application_name="psql of a colleague")) as colleague:
        colleague.execute(lock)
        stopped = ran(world)
        assert stopped.exit_code == 1
        sentence = " ".join((stopped.stderr + str(stopped.exception or "")).split())
        assert f"Session {colleague.info.backend_pid} of database" in sentence
        assert "'psql of a colleague', idle in transaction, since 20" in sentence
        assert table in sentence
        assert "Traceback" not in sentence
    assert ran(world).exit_code == 0


def ran(world: World) -> Result:
    """`payouts run` in this process."""
    with world.entered(), pytest.MonkeyPatch.context() as moved:
        moved.chdir(world.folder)
        return CliRunner().invoke(run, [str(YESTERDAY)])


def test_who_lost_the_power_is_gone_within_minutes(plain: World) -> None:
    """Both ends ask each other, and take silence for an end; the defaults make two hours of it."""
    wanted = {"tcp_keepalives_idle": "60", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "6"}
    with open_connection(plain.environment["PAYOUTS_DATABASE_URL"]) as connection:
        of_server = {
            name: connection.execute("select current_setting(%s)", (name,)).fetchall()[0][0]
            for name in (*wanted, "tcp_user_timeout")
        }
        of_client = connection.info.get_parameters()
    assert of_server == wanted | {"tcp_user_timeout": "120000"}
    assert (
        of_client.items()
        >= {
            "keepalives_idle": "60",
            "keepalives_interval": "10",
            "keepalives_count": "6",
            "tcp_user_timeout": "120000",
        }.items()
    )


@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize("name", _URLS)
def test_a_pooler_that_lends_for_a_transaction_is_refused_at_the_start(plain: World, mode: str, name: str) -> None:
    world = with_source(plain)
    before = fingerprint(plain.connect())
    with pgbouncer(world.environment[name], mode) as url:
        require_refused(payouts(world.but(**{name: url}), "run", YESTERDAY), f"{name} leads to a pooler", "session")
        if name == "PAYOUTS_DATABASE_URL":
            require_refused(payouts(world.but(**{name: url}), "worker", "--drain"), f"{name} leads to a pooler")
            assert f"{name} leads to a pooler" in payouts(world.but(**{name: url}), "doctor").stdout
    assert fingerprint(plain.connect()) == before


def test_a_pooler_that_lends_for_a_session_is_fine(worlds: Worlds) -> None:
    world = with_source(worlds.make())
    with pgbouncer(world.environment["PAYOUTS_DATABASE_URL"], "session") as url:
        pooled = world.but(PAYOUTS_DATABASE_URL=url, PAYOUTS_SOURCE_URL=url)
        require_paid(payouts(pooled, "run", YESTERDAY, "--json"))


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_only_the_ledger_needs_an_encoding(worlds: Worlds, encoding: str) -> None:
    world = worlds.make()
    with (
        database_of(world.environment["PAYOUTS_DATABASE_URL"], encoding) as league,
        database_of(world.environment["DAGSTER_DATABASE_URL"], encoding) as dagster,
    ):
        with open_connection(league, SOURCE) as connection:
            season.load_season(connection, SYDNEY.key, YESTERDAY, DAYS)
            connection.execute(TRIM)
            connection.execute("update league.clubs set name = 'Würzburg', stripe_account_id = stripe_account_id")
        others = world.but(PAYOUTS_SOURCE_URL=league, DAGSTER_DATABASE_URL=dagster)
        require_paid(payouts(others, "run", YESTERDAY, "--json"))
