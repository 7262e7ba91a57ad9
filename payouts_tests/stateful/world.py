"""The real parts: one PostgreSQL and one Stripe emulator for all examples, fresh databases for each of them."""

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from queue import Empty, LifoQueue

from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.local.stripe_emulator.admin import EmulatorAdmin
from payouts_pipeline.settlement.assemble import Settlement
from payouts_pipeline.settlement.standing import Standing
from payouts_pipeline.settlement.stripe_client import StripeClient
from payouts_pipeline.settlement.worker import Worker
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe
from payouts_tests.support.ledger_steps import LEASE_S, pass_time

# So short that an answer can be late without the test being slow, and long enough for one that is in time.
TIMEOUT_S = 0.3
LATE_S = 0.6
THREADS = 4
HOUR_S = 3_600

# Time passes by making the ledger's rows older and the emulator's clock go ahead. What the emulator dates is brought
# back to the ledger's time, so that the two agree on what is old.
_CLOCK = """
    create schema payouts_test;
    create table payouts_test.clock as select interval '0' as ahead;
    create function payouts_test.in_our_time() returns trigger language plpgsql as $$
    begin
        new.created_at := least(new.created_at - (select ahead from payouts_test.clock), now());
        return new;
    end $$;
    create trigger in_our_time before insert on payouts.movements
        for each row execute function payouts_test.in_our_time();
"""

_numbers = itertools.count(1)


@dataclass
class World:
    """What all examples share, and what they did."""

    admin: Connection
    template: str
    postgres_url: str
    stripe: EmulatedStripe
    examples: int = 0
    steps: int = 0
    movements: int = 0
    calls: int = 0
    restores: int = 0
    late_payments: int = 0
    lost: int = 0
    given_back: int = 0


class Database:
    """A database of one example, with connections that are lent for moments."""

    def __init__(self, world: World, kind: str) -> None:
        self._world = world
        self._name = f"stateful_{kind}_{next(_numbers)}"
        self._free: LifoQueue[Connection] = LifoQueue()
        self._copy(world.template, self._name)
        self._url = make_conninfo(world.postgres_url, dbname=self._name)
        self.main = open_connection(self._url)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Lend a connection; as many are opened as are needed at once."""
        try:
            connection = self._free.get_nowait()
        except Empty:
            connection = open_connection(self._url)
        try:
            yield connection
        finally:
            self._free.put(connection)

    def back_up(self) -> None:
        """Copy all that is in it, in place of an earlier copy."""
        with self._disconnected():
            self._drop(self._backup)
            self._copy(self._name, self._backup)

    def restore(self) -> None:
        """Put the copy in its place."""
        with self._disconnected():
            self._drop(self._name)
            self._copy(self._backup, self._name)

    def drop(self) -> None:
        """End it, and its copy."""
        with ExitStack() as stack:
            stack.callback(self._drop, self._backup)
            stack.callback(self._drop, self._name)
            self._close()

    @property
    def _backup(self) -> str:
        return f"{self._name}_backup"

    @contextmanager
    def _disconnected(self) -> Iterator[None]:
        """PostgreSQL copies no database that somebody is connected to."""
        self._close()
        yield
        self.main = open_connection(self._url)

    def _close(self) -> None:
        self.main.close()
        while not self._free.empty():
            self._free.get_nowait().close()

    def _copy(self, source: str, target: str) -> None:
        statement = SQL("create database {} template {} strategy file_copy")
        self._world.admin.execute(statement.format(Identifier(target), Identifier(source)))

    def _drop(self, name: str) -> None:
        self._world.admin.execute(SQL("drop database if exists {} with (force)").format(Identifier(name)))


@dataclass
class Parts:
    """What one example works with; schema `league` has a database of its own, which no restore changes."""

    world: World
    ledger_database: Database
    league_database: Database
    provider: StripeClient
    calls: ThreadPoolExecutor
    clock_s: int = 0
    _late_until_s: float = field(default=0.0, repr=False)

    @classmethod
    def start(cls, world: World) -> "Parts":
        """A copy of the migrated template takes a quarter of the time of migrating anew."""
        world.stripe.admin.reset()
        world.examples += 1
        provider = StripeClient(API_KEY, world.stripe.url, timeout_s=TIMEOUT_S)
        parts = cls(world, Database(world, "ledger"), Database(world, "league"), provider, ThreadPoolExecutor(THREADS))
        parts.ledger.execute(_CLOCK)
        parts.start_process()
        return parts

    def stop(self) -> None:
        """Wait for what is still under way, so that it does not meet the next example."""
        self.calls.shutdown()
        self.await_late_answers()
        self.world.calls += self.provider.calls
        self.world.movements += len(self.stripe.journal())
        for database in (self.ledger_database, self.league_database):
            database.drop()

    @property
    def stripe(self) -> EmulatorAdmin:
        return self.world.stripe.admin

    @property
    def ledger(self) -> Connection:
        """The connection of the run; another one after a restore."""
        return self.ledger_database.main

    @property
    def source(self) -> Connection:
        return self.league_database.main

    def start_process(self) -> None:
        """What a process that has just been started knows: nothing yet of how its ledger stands at Stripe."""
        self.standing = Standing(self.ledger_database.connect, self.provider)

    def worker(self, name: str) -> Worker:
        """The worker's real core, with real threads."""
        return Worker(self.ledger_database.connect, self.provider, self.calls, self.standing, name, LEASE_S)

    def settlement(self) -> Settlement:
        """What `payouts recover` and `payouts resolve` settle with."""
        return Settlement(self.worker("command"), THREADS, self.standing, self.provider)

    def pass_time(self, seconds: int) -> None:
        """For the ledger and the emulator alike."""
        self.clock_s += seconds
        self.stripe.advance_clock(seconds)
        self.make_older(seconds)

    def make_older(self, seconds: int) -> None:
        """Let the ledger alone believe that time has passed, as one that was restored has to."""
        pass_time(self.ledger, seconds / HOUR_S)
        self.ledger.execute("update payouts_test.clock set ahead = make_interval(secs => %s)", (self.clock_s,))

    def expect_late_answers(self) -> None:
        """Calls from now on can take effect after their caller has gone."""
        self._late_until_s = float("inf")

    def await_late_answers(self) -> None:
        """Return once no call is under way at the emulator."""
        if self._late_until_s:
            self.stripe.clear_faults()
            time.sleep(LATE_S + TIMEOUT_S)
            self._late_until_s = 0.0
