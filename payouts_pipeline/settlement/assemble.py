"""Where the parts that settle are put together, for all hosts: a run, `payouts worker`, the Lambda function.

And the one place where a Stripe client is made: the rate limit that it keeps is the fleet's, so it needs the ledger.
"""

import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from weakref import WeakKeyDictionary

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from payouts_pipeline import settings
from payouts_pipeline.domain.billing import BillingType
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import migrate
from payouts_pipeline.ledger.database import CONNECT_TIMEOUT_S, CONNECTING, Connection, connect, prepare
from payouts_pipeline.settings import Wording
from payouts_pipeline.settlement.rate_limit import SharedRateLimiter
from payouts_pipeline.settlement.standing import Standing
from payouts_pipeline.settlement.stripe_client import TIMEOUT_S, StripeClient
from payouts_pipeline.settlement.topology import Topology
from payouts_pipeline.settlement.worker import LEASE_S, Worker
from payouts_pipeline.settlement.worker_pool import RUN_WAIT_S, WorkerPool, loops_per_queue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# Beside the loops, for calls that wait for the rate limit or note a card.
_CONNECTIONS_OF_CALLS = 4
# One that was tried so recently is not tried again before it is lent, which would be a fifth of all that is asked.
_TAKEN_TO_LIVE_S = 1.0


@dataclass(frozen=True)
class StripeAccount:
    """How our account at Stripe is reached; ``calls_per_s`` is what all workers may make together, None: any number."""

    api_key: str
    api_base: str | None = None
    calls_per_s: float | None = None
    timeout_s: float = TIMEOUT_S
    wording: Wording = field(default_factory=Wording)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """As STRIPE_API_KEY, STRIPE_API_BASE and PAYOUTS_STRIPE_CALLS_PER_S say; raises PayoutsError without a key."""
        api_key = settings.stripe_api_key(environment)
        calls_per_s, wording = settings.stripe_calls_per_s(api_key, environment), Wording.from_environment(environment)
        return cls(api_key, environment.get("STRIPE_API_BASE"), calls_per_s, wording=wording)

    def client(self, limiter: SharedRateLimiter | None = None) -> StripeClient:
        """A client; without a limiter it is for who only looks, since the fleet's rate is kept in the ledger."""
        return StripeClient(self.api_key, self.api_base, limiter, self.timeout_s, self.wording)


@dataclass(frozen=True)
class Settlement:
    """What settles instructions in this process: the Stripe client, and the worker's core on so many threads."""

    worker: Worker
    threads: int
    standing: Standing
    _stripe: StripeClient

    @property
    def calls(self) -> int:
        """How many calls were made at Stripe."""
        return self._stripe.calls

    def stripe(self) -> StripeClient:
        """Our account at Stripe; raises PayoutsError unless it is this ledger's own. There is no other way to it."""
        self.standing.check()
        return self._stripe

    def pool(
        self, sqs: "SQSClient", topology: Topology, billing_types: Sequence[BillingType], wait_s: int = RUN_WAIT_S
    ) -> WorkerPool:
        """The worker on the queues of these billing types, for as long as its context."""
        return WorkerPool(self.worker, sqs, topology, billing_types, self.threads, wait_s)


@contextmanager
def settlement(
    ledger_url: str,
    account: StripeAccount,
    threads: int,
    lease_s: float = LEASE_S,
    actor: str | None = None,
    connections: int | None = None,
) -> Iterator[Settlement]:
    """The parts, with their connections to the ledger open.

    Raises PayoutsError where it can't be reached, or is of a version with which this one must not settle.

    ``threads`` make calls side by side; ``lease_s`` is how long a worker may be silent before another takes over.
    """
    wanted = connections or loops_per_queue(threads) + _CONNECTIONS_OF_CALLS
    with _connections(ledger_url, wanted) as pool, ThreadPoolExecutor(threads, "provider") as calls:
        limiter = SharedRateLimiter(pool.connection, account.calls_per_s) if account.calls_per_s else None
        stripe = account.client(limiter)
        standing = Standing(pool.connection, stripe)
        yield Settlement(Worker(pool.connection, stripe, calls, standing, actor, lease_s), threads, standing, stripe)


@contextmanager
def _connections(url: str, at_most: int) -> Iterator[ConnectionPool]:
    """Connections that are lent for moments; whichever was lost is opened anew."""
    # Says in a sentence why, where none can be had, or where this version must not settle.
    with connect(url) as connection:
        migrate.require_settleable(connection)

    tried_at_s: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()

    def check(connection: Connection) -> None:
        """Who ends one that idles has ended the others, too: tried one by one they would take half a minute."""
        now_s = time.monotonic()
        if now_s - tried_at_s.get(connection, -math.inf) < _TAKEN_TO_LIVE_S:
            return
        try:
            pool.check_connection(connection)
        except psycopg.OperationalError:
            pool.check()
            raise
        tried_at_s[connection] = now_s

    pool = ConnectionPool(
        url, min_size=1, max_size=at_most, kwargs=dict(CONNECTING), configure=prepare, check=check, open=False
    )
    with pool:
        try:
            pool.wait(CONNECT_TIMEOUT_S)
        except PoolTimeout:
            raise PayoutsError(
                "The database of PAYOUTS_DATABASE_URL can't be reached: see that it runs, and the network to it."
            ) from None
        yield pool
