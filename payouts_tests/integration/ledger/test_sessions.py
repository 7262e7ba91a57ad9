"""Whatever a login or a database is set to, a session of ours has what our statements rely on."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.database import LEDGER, SOURCE, Connection, Lasting, open_connection
from payouts_pipeline.ledger.locks import only_holder_of, was_let_go
from payouts_pipeline.settlement.assemble import StripeAccount, settlement
from payouts_tests.conftest import Connect
from payouts_tests.support.odd_databases import ODD, login_with, set_for

WANTED = {
    "statement_timeout": "0",
    "lock_timeout": "2min",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",
    "transaction_isolation": "read committed",
    "transaction_deferrable": "off",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "client_encoding": "UTF8",
    "synchronous_commit": "on",
}
OF_THE_LEDGER = {"timezone": "UTC", "search_path": "pg_temp,pg_catalog,public, pg_catalog"}


@pytest.fixture
def odd_url(database_url: str) -> Iterator[str]:
    with login_with(database_url, ODD) as url:
        yield url


def settings_of(connection: Connection, names: Iterator[str] | dict[str, str]) -> dict[str, str]:
    return {name: connection.execute("select current_setting(%s)", (name,)).fetchall()[0][0] for name in names}


def test_the_settings_of_a_login_do_not_count(odd_url: str) -> None:
    with open_connection(odd_url) as connection:
        assert settings_of(connection, WANTED | OF_THE_LEDGER) == WANTED | OF_THE_LEDGER


def test_the_settings_of_a_database_do_not_count(database_url: str, admin: Connection) -> None:
    name = Identifier(str(conninfo_to_dict(database_url)["dbname"]))
    set_for(admin, SQL("database {}").format(name), ODD)
    with open_connection(database_url) as connection:
        assert settings_of(connection, WANTED | OF_THE_LEDGER) == WANTED | OF_THE_LEDGER


def test_the_connections_of_the_workers_have_them_too(odd_url: str) -> None:
    account = StripeAccount("sk_test_x", "http://127.0.0.1:1")
    with settlement(odd_url, account, 1) as parts, parts.worker._connect() as connection:
        assert settings_of(connection, WANTED | OF_THE_LEDGER) == WANTED | OF_THE_LEDGER


def test_a_source_keeps_what_its_views_may_be_built_on(odd_url: str) -> None:
    with open_connection(odd_url, SOURCE) as connection:
        assert settings_of(connection, WANTED) == WANTED
        own = settings_of(connection, OF_THE_LEDGER)
    assert own == {"timezone": "Asia/Kathmandu", "search_path": "public, pg_catalog"}


def test_a_commit_that_waits_for_a_standby_still_does(database_url: str) -> None:
    with login_with(database_url, {"synchronous_commit": "remote_apply"}) as url, open_connection(url) as connection:
        assert settings_of(connection, {"synchronous_commit": ""}) == {"synchronous_commit": "remote_apply"}


def locking(url: str, statement: str) -> Connection:
    """A client of somebody else's that keeps a lock, as a forgotten psql does."""
    connection = psycopg.connect(url, application_name="psql of a colleague")
    connection.execute("select 1")
    connection.execute(statement)
    return connection


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("lock table payouts.instructions", "select count(*) from payouts.instructions"),
        ("select from payouts.identity for update", "update payouts.identity set pinned_at = pinned_at"),
    ],
)
@pytest.mark.parametrize("where", ["in a transaction", "by itself"])
def test_a_lock_that_somebody_keeps_is_said_with_who_it_is(
    database_url: str, ledger: Connection, lock: str, wanted: str, where: str
) -> None:
    ledger.execute("set lock_timeout = '200ms'")
    with closing(locking(database_url, lock)) as colleague:
        transaction = ledger.transaction() if where == "in a transaction" else nullcontext()
        with pytest.raises(PayoutsError) as said, transaction:
            ledger.execute(wanted)
        pid, user = colleague.info.backend_pid, colleague.info.user
    sentence = str(said.value)
    assert f"Session {pid} of database" in sentence
    assert f"user {user}, application 'psql of a colleague', idle in transaction, since 20" in sentence
    assert lock.split("payouts.")[1].split(" ")[0] in sentence
    assert f"pg_terminate_backend({pid})" in sentence
    # Nothing is stuck: it works as soon as the lock is free.
    ledger.execute(wanted)


def test_who_only_reads_is_not_blamed_for_a_lock(database_url: str, ledger: Connection) -> None:
    ledger.execute("set lock_timeout = '200ms'")
    with (
        closing(locking(database_url, "select count(*) from payouts.identity")),
        closing(locking(database_url, "select from payouts.identity for update")) as colleague,
        pytest.raises(PayoutsError, match=f"Session {colleague.info.backend_pid} "),
    ):
        ledger.execute("update payouts.identity set pinned_at = pinned_at")


def test_a_copy_waits_no_longer_than_a_statement(database_url: str, ledger: Connection) -> None:
    ledger.execute("set lock_timeout = '200ms'")
    with (
        closing(locking(database_url, "lock table payouts.fees")),
        pytest.raises(PayoutsError, match=r"payouts\.fees"),
        ledger.cursor().copy("copy payouts.fees to stdout") as copy,
    ):
        list(copy)


def test_a_database_that_is_read_only_is_one_sentence(database_url: str) -> None:
    with login_with(database_url, {"default_transaction_read_only": "on"}) as url, open_connection(url) as connection:
        assert connection.execute("select count(*) from payouts.days").fetchall() == [(0,)]
        with pytest.raises(PayoutsError, match=r"is read-only for this login.*default_transaction_read_only"):
            connection.execute("insert into payouts.days (day) values ('2026-05-02')")


def test_a_connection_that_was_lost_is_opened_anew(database_url: str, admin: Connection) -> None:
    with closing(Lasting(database_url, LEDGER)) as connected:
        first = connected().info.backend_pid
        assert connected().info.backend_pid == first
        admin.execute("select pg_terminate_backend(%s, 5000)", (first,))
        assert connected().info.backend_pid != first
        assert connected().execute("select 1").fetchall() == [(1,)]


def test_a_holder_whose_session_is_ended_takes_its_number_again(
    connect: Connect, ledger: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payouts_pipeline.ledger.locks._USED_EVERY_S", 0.1)
    with only_holder_of(connect) as number:
        assert not was_let_go(ledger, number)
        ended = ledger.execute(
            "select pg_terminate_backend(pid, 5000) from pg_locks where locktype = 'advisory' and objid = %s", (number,)
        )
        assert ended.fetchall() == [(True,)]
        deadline = time.monotonic() + 20
        while was_let_go(ledger, number):
            assert time.monotonic() < deadline, "it is not held again"
            time.sleep(0.05)
    assert was_let_go(ledger, number)


def test_sessions_of_a_serializable_login_do_not_turn_each_other_away(database_url: str) -> None:
    with (
        login_with(database_url, {"default_transaction_isolation": "serializable"}) as url,
        open_connection(url) as first,
        open_connection(url) as second,
        ThreadPoolExecutor(2) as threads,
    ):
        first.execute("create table public.numbers (number int)")
        list(threads.map(_count_and_add, (first, second)))


def _count_and_add(connection: Connection) -> None:
    for _ in range(50):
        with connection.transaction():
            connection.execute("select count(*) from public.numbers")
            connection.execute("insert into public.numbers values (1)")
