"""The rate of calls at the provider, one for all workers of a fleet, kept where they all look anyway."""

from datetime import timedelta

from payouts_pipeline.ledger.database import Connection, scalar, sql

# What a rate limit has halved comes back within some hundred calls, and never falls under a sixteenth.
_RECOVERY_PER_CALL = 0.998
_SLOWEST = 16.0
# As long as the provider's rate limit can make the fleet pause, and half of what a worker may be silent.
_CEILING = timedelta(seconds=30)


def reserve_call(connection: Connection, calls_per_s: float) -> float:
    """Take the next call of a fleet that may make ``calls_per_s`` in all: in how many seconds it may be made."""
    parameters = {"calls_per_s": calls_per_s, "recovery": _RECOVERY_PER_CALL, "ceiling": _CEILING}
    return float(scalar(connection, sql("reserve_call"), parameters))


def slow_down(connection: Connection, pause: timedelta) -> None:
    """Let the whole fleet pause, and continue at half its rate: the provider has turned a call away."""
    connection.execute(sql("slow_down_calls"), {"pause": pause, "slowest": _SLOWEST})
