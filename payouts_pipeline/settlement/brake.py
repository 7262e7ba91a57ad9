"""The brake: what refuses one instruction after the other for the same reason is wrong as a whole, so sending stops.

A wrong account, key or set-up would otherwise turn a whole night into refusals that somebody has to bring back one by
one.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.reasons import refusal_sentence
from payouts_pipeline.domain.refusals import EVERYDAY
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger.attempts import Outcome

# So many refusals of one code, and more than half of the last instructions that were sent.
_REFUSALS = 10
_OF_LAST = 100
# A host that stays (a Lambda function) tries again after this; a run or a worker process has ended by then.
_HOLDS_FOR_S = 900.0


class Brake:
    """Looks at what came of the last instructions of a worker. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: deque[str | None] = deque(maxlen=_OF_LAST)
        self._why: str | None = None
        self._holds_until_s = 0.0

    def check(self) -> None:
        """Raise PayoutsError, with one sentence, while nothing more is to be sent."""
        with self._lock:
            if self._why and time.monotonic() < self._holds_until_s:
                raise PayoutsError(self._why)

    def note(self, outcomes: Iterable[Outcome]) -> None:
        """Take note of what came of instructions that were sent."""
        with self._lock:
            self._last.extend(map(_counts, outcomes))
            refused = Counter(code for code in self._last if code)
            for code, times in refused.most_common(1):
                if times >= _REFUSALS and 2 * times > len(self._last):
                    self._pull(code, times)

    def _pull(self, code: str, times: int) -> None:
        self._why = (
            f"Stopped sending, since Stripe refused {times} of the last {len(self._last)} instructions for the same "
            f"reason ({code}: {refusal_sentence(code)}): fix that and run again, which sends the rest; "
            f"'payouts retry --code {code} --reason ...' brings back what was refused."
        )
        self._holds_until_s = time.monotonic() + _HOLDS_FOR_S
        self._last.clear()


def _counts(outcome: Outcome) -> str | None:
    """The code of a refusal that is not an everyday one; what was not sent at all says nothing."""
    is_refused = outcome.status in (Status.WAITING, Status.REJECTED) and not outcome.is_absent
    return outcome.reason_code if is_refused and outcome.reason_code not in EVERYDAY else None
