"""How fast calls are made at the provider: a fleet keeps to one rate limit, however many processes it has."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Protocol

from payouts_pipeline.ledger import rate_limit
from payouts_pipeline.ledger.database import Connection

# Where the provider does not say how long to wait.
_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(seconds=30)


class RateLimiter(Protocol):
    """Decides when the next call may be made."""

    def wait(self) -> None:
        """Return when the caller may make one call."""

    def slow_down(self, pause: timedelta | None) -> None:
        """Take note that the provider turned a call away for its rate, and asks to wait for so long."""


class NoRateLimiter:
    """As fast as it goes, for a provider without a limit."""

    def wait(self) -> None:
        """Go on at once."""

    def slow_down(self, pause: timedelta | None) -> None:
        """Only this call comes again later."""


class SharedRateLimiter:
    """The rate limit that all workers on one ledger keep together. Safe to share between threads."""

    def __init__(self, connect: Callable[[], AbstractContextManager[Connection]], calls_per_s: float) -> None:
        self._connect = connect
        self._calls_per_s = calls_per_s

    def wait(self) -> None:
        """Sleep until the next call of the fleet."""
        with self._connect() as connection:
            pause_s = rate_limit.reserve_call(connection, self._calls_per_s)
        time.sleep(max(0.0, pause_s))

    def slow_down(self, pause: timedelta | None) -> None:
        """Slow all workers down."""
        with self._connect() as connection:
            rate_limit.slow_down(connection, min(pause or _PAUSE, _LONGEST_PAUSE))
