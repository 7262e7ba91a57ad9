"""Workers that die in their call, or stop in it and go on later: what a kill or a suspended machine leaves."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from payouts_pipeline.ledger.attempts import Attempt, Outcome


class WorkerDied(BaseException):
    """Goes through everything that catches exceptions, as a kill does."""


class DyingCalls(Executor):
    """Stands in for a worker's threads: the process dies before its calls, or after all of them."""

    def __init__(self, *, has_called: bool) -> None:
        self._has_called = has_called

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any], **options: Any) -> Iterator[Any]:
        for arguments in zip(*iterables, strict=True):
            if self._has_called:
                fn(*arguments)
        raise WorkerDied


@dataclass
class Stopped:
    """A call that was claimed and not made yet, and for how many seconds."""

    attempt: Attempt
    settle_one: "partial[Outcome]"
    age_s: int = 0

    def go_on(self) -> Outcome:
        """Make the call now; the worker's clock has gone on, too."""
        leased_until = self.settle_one.keywords["leased_until"] - self.age_s
        return self.settle_one(self.attempt, leased_until=leased_until)


@dataclass
class StoppingCalls(Executor):
    """Stands in for a worker's threads: none of its calls is made before somebody says so."""

    stopped: list[Stopped] = field(default_factory=list)

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any], **options: Any) -> Iterator[Any]:
        assert isinstance(fn, partial)
        self.stopped += [Stopped(attempt, fn) for attempt in iterables[0]]
        raise WorkerDied
