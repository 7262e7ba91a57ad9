"""The worker's core: a batch of messages in, outcomes committed, and only then the messages deleted.

It knows neither threads of queues nor processes: `worker_pool` runs it in threads, `lambda_handler` in a function.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.ledger import attempts
from payouts_pipeline.ledger.attempts import Attempt, Outcome
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.settlement.attempt_execution import execute
from payouts_pipeline.settlement.brake import Brake
from payouts_pipeline.settlement.messages import BadMessage, Message, parse
from payouts_pipeline.settlement.standing import Standing
from payouts_pipeline.settlement.stripe_client import TIMEOUT_S, StripeClient

log = logging.getLogger(__name__)

# A worker that has not answered after this has stopped: a call, a question before it, and their repeats.
LEASE_S = 3 * TIMEOUT_S

Connect = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True)
class Batch:
    """What became of a batch of messages: those that are done with, and those that nobody can read."""

    done: list[Message]
    unreadable: list[Message]


class Worker:
    """Settles what messages point to. ``connect`` lends a database connection for a moment, never for a call."""

    def __init__(
        self,
        connect: Connect,
        stripe: StripeClient,
        calls: Executor,
        standing: Standing,
        actor: str | None = None,
        lease_s: float = LEASE_S,
    ) -> None:
        self._connect = connect
        self._stripe = stripe
        self._calls = calls
        self._standing = standing
        self._actor = actor or f"worker {socket.gethostname()}:{os.getpid()}"
        self.lease_s = lease_s
        self.brake = Brake()

    def process(self, messages: Sequence[Message], billing_type: str) -> Batch:
        """Settle what the messages of one queue point to.

        A message is done with once its instruction's outcome is committed, or when there is nothing to do for
        it. One that can't be read, or names an instruction that does not exist or belongs to another queue, is
        left alone: after its tries it stands in the dead-letter queue, and no provider is called for it.
        """
        pointers = {message.message_id: _pointer(message) for message in messages}
        ids = sorted({pointer for pointer in pointers.values() if pointer is not None})
        known = self._of_queue(ids, billing_type)
        self.settle(known)
        done = [message for message in messages if pointers[message.message_id] in known]
        unreadable = [message for message in messages if pointers[message.message_id] not in known]
        for message in unreadable:
            if pointers[message.message_id] is not None:
                log.warning(
                    "bad message: it names no instruction of this queue",
                    extra={"message_id": message.message_id, "billing_type": billing_type},
                )
        return Batch(done, unreadable)

    def require_ledger(self) -> None:
        """Raise psycopg.OperationalError while the ledger can't be reached."""
        with self._connect() as connection:
            connection.execute("select 1")

    def settle(self, ids: Iterable[UUID]) -> list[Outcome]:
        """Claim the instructions, make their calls side by side, and commit the outcomes.

        Raises PayoutsError, with nothing claimed, once too many were refused for one reason (`brake`).
        """
        self.brake.check()
        leased_until = time.time() + self.lease_s
        claimed = self._claim(sorted(ids))
        make_call = partial(execute, stripe=self._stripe, log=self, leased_until=leased_until)
        outcomes = list(self._calls.map(make_call, claimed))
        # Before they are committed: who sees that all is done must see the brake, too.
        self.brake.note(outcomes)
        if outcomes:
            with self._connect() as connection:
                attempts.record(connection, outcomes, self._actor)
        for attempt, outcome in zip(claimed, outcomes, strict=True):
            _log_outcome(attempt, outcome)
        return outcomes

    def _claim(self, ids: Sequence[UUID]) -> list[Attempt]:
        """From the database that was found good; raises PayoutsError, with nothing claimed, where none is."""
        while ids:
            with self._connect() as connection:
                if self._standing.holds_for(connection):
                    return attempts.claim(connection, ids, self.lease_s, self._actor)
            self._standing.check()
        return []

    def _of_queue(self, ids: Sequence[UUID], billing_type: str) -> set[UUID]:
        """Those of the ids that are instructions, and came by the queue that is theirs."""
        with self._connect() as connection:
            found = attempts.find(connection, ids)
        return {instruction_id for instruction_id, (its_type, _) in found.items() if its_type == billing_type}

    def set_payment_method(self, attempt: Attempt, payment_method_id: str) -> Attempt:
        """Note the card that the attempt charges (`attempt_execution.AttemptLog`)."""
        with self._connect() as connection:
            return attempts.set_payment_method(connection, attempt, payment_method_id)


def _pointer(message: Message) -> UUID | None:
    try:
        return parse(message.body)
    except BadMessage as bad:
        log.warning("bad message: %s", bad.reason, extra={"message_id": message.message_id})
        return None


def _log_outcome(attempt: Attempt, outcome: Outcome) -> None:
    """One line for each outcome; nothing in it tells who the payer or the payee is."""
    level = logging.INFO if outcome.status == Status.SETTLED else logging.WARNING
    told = {
        "billing_type": attempt.billing_type,
        "instruction_id": str(attempt.instruction_id),
        "day": str(attempt.day),
        "attempt": outcome.number,
        "status": outcome.status,
        "code": outcome.reason_code,
        "provider_request_id": outcome.provider_request_id,
    }
    log.log(level, "outcome", extra={name: value for name, value in told.items() if value is not None})
