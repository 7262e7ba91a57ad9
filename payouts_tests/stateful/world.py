"""The real parts: one PostgreSQL and one Stripe emulator for all examples, a fresh database for each of them."""

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, LifoQueue

from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.local.stripe_emulator.admin import EmulatorAdmin
from payouts_pipeline.settlement.stripe_client import StripeClient
from payouts_pipeline.settlement.worker import Worker
from payouts_tests.support.emulated_stripe import API_KEY, EmulatedStripe
from payouts_tests.support.ledger_steps import LEASE_S
from payouts_tests.support.trust import TRUSTED

# So short that an answer can be late without the test being slow, and long enough for one that is in time.
TIMEOUT_S = 0.3
LATE_S = 0.6
THREADS = 4

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


@dataclass
class Parts:
    """What one example works with."""

    world: World
    url: str
    database: str
    provider: StripeClient
    calls: ThreadPoolExecutor
    _free: LifoQueue[Connection] = field(default_factory=LifoQueue)
    _late_until_s: float = 0.0

    @classmethod
    def start(cls, world: World) -> "Parts":
        """A copy of the migrated template takes a quarter of the time of migrating anew."""
        database = f"stateful_{next(_numbers)}"
        world.admin.execute(
            SQL("create database {} template {}").format(Identifier(database), Identifier(world.template))
        )
        world.stripe.admin.reset()
        world.examples += 1
        provider = StripeClient(API_KEY, world.stripe.url, timeout_s=TIMEOUT_S)
        url = make_conninfo(world.postgres_url, dbname=database)
        return cls(world, url, database, provider, ThreadPoolExecutor(THREADS))

    def stop(self) -> None:
        """Wait for what is still under way, so that it does not meet the next example."""
        self.calls.shutdown()
        self.await_late_answers()
        while not self._free.empty():
            self._free.get_nowait().close()
        self.world.calls += self.provider.calls
        self.world.movements += len(self.stripe.journal())
        self.world.admin.execute(SQL("drop database {} with (force)").format(Identifier(self.database)))

    @property
    def stripe(self) -> EmulatorAdmin:
        return self.world.stripe.admin

    def worker(self, name: str) -> Worker:
        """The worker's real core, with real threads."""
        return Worker(self.connect, self.provider, self.calls, TRUSTED, name, LEASE_S)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Lend a connection; as many are opened as are needed at once."""
        try:
            connection = self._free.get_nowait()
        except Empty:
            connection = open_connection(self.url)
        try:
            yield connection
        finally:
            self._free.put(connection)

    def expect_late_answers(self) -> None:
        """Calls from now on can take effect after their caller has gone."""
        self._late_until_s = float("inf")

    def await_late_answers(self) -> None:
        """Return once no call is under way at the emulator."""
        if self._late_until_s:
            self.stripe.clear_faults()
            time.sleep(LATE_S + TIMEOUT_S)
            self._late_until_s = 0.0
