"""How our ledger stands at Stripe (rules of money 9 and 14): whose account it is, and who knows more of it.

Asked before the first call of a process that may move money or judge an attempt, and again when the database turns out
to be another: after a restore or a migration, or at another server. Where the answer is no good, nothing is sent.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import islice

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import identity, migrate, movements
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.identity import Account, Identity
from payouts_pipeline.ledger.movements import FoundMovement
from payouts_pipeline.settlement.stripe_client import KINDS, Kind, StripeClient
from payouts_pipeline.settlement.traces import Trace, traces

# A ledger that has never sent anything looks this far for others: a hundred pages each of charges and transfers.
_LOOKED_AT = 10_000
_AT_ONCE = 100


class Standing:
    """Judges once, and again for another database. Safe to share between threads."""

    def __init__(self, connect: Callable[[], AbstractContextManager[Connection]], stripe: StripeClient) -> None:
        self._connect = connect
        self._stripe = stripe
        self._lock = threading.Lock()
        self._judged: str | None = None

    def holds_for(self, connection: Connection) -> bool:
        """Whether the database at the other end is the one that was found good."""
        return self._judged == identity.mark(connection)

    def check(self) -> None:
        """Raise PayoutsError, in a sentence that says what to do, unless this ledger may use this account."""
        with self._lock:
            with self._connect() as connection:
                mark = identity.mark(connection)
                migrate.require_settleable(connection)
            if mark == self._judged:
                return
            ledger, found = self.judge()
            if ledger.account is None:
                self._pin(found)
            self._judged = mark

    def judge(self) -> tuple[Identity, Account]:
        """The same for who only looks: the ledger, which is pinned to nothing by it, and the account of the key."""
        ledger, found = self._own()
        self._require_nobody_else(ledger)
        self._require_not_behind(ledger)
        return ledger, found

    def unknown(self) -> list[FoundMovement]:
        """All that Stripe has of this ledger and it does not know; raises PayoutsError for another's account."""
        ledger, _ = self._own()
        return [each for kind in KINDS for each in self._unknown_of(ledger, kind, is_complete=True)]

    def account(self) -> Account:
        """Account and mode of our key; raises PayoutsError where Stripe does not say."""
        return Account(self._stripe.account(), self._stripe.mode)

    def _own(self) -> tuple[Identity, Account]:
        """Who the ledger is, and the account of the key; raises PayoutsError unless that may be its own."""
        with self._connect() as connection:
            ledger = identity.read(connection)
        found = self.account()
        _require_same(ledger, found)
        return ledger, found

    def _require_nobody_else(self, ledger: Identity) -> None:
        with self._connect() as connection:
            if identity.has_sent(connection) or identity.stands_beside(connection):
                return
        for kind in KINDS:
            for number, trace in enumerate(traces(self._stripe, kind, None)):
                if trace.ledger and trace.ledger != str(ledger.id):
                    raise PayoutsError(_used_by(trace))
                if number == _LOOKED_AT:
                    raise PayoutsError(
                        "Stripe has more on this account than could be searched for movements of another ledger, so "
                        "nothing was sent: see that there are none, and run 'payouts ledger --beside --reason …'."
                    )

    def _require_not_behind(self, ledger: Identity) -> None:
        for kind in KINDS:
            for movement in self._unknown_of(ledger, kind):
                raise PayoutsError(
                    f"Stripe has movements of this ledger that it does not know, such as {movement.reference}: it was "
                    "restored from a backup. Nothing was sent: run 'payouts recover', and then again."
                )

    def _unknown_of(self, ledger: Identity, kind: Kind, *, is_complete: bool = False) -> Iterator[FoundMovement]:
        """Stripe is asked first and the ledger read after it: what was sent meanwhile is no news.

        It ends where nothing older can be unknown, unless it is to be ``is_complete``, back to a day before the newest
        attempt.
        """
        with self._connect() as connection:
            since = movements.newest_attempt_at(connection)
        listed = (each.movement for each in traces(self._stripe, kind, since) if each.ledger == str(ledger.id))
        while page := list(islice(listed, _AT_ONCE)):
            with self._connect() as connection:
                unknown, is_old = movements.unknown_of(connection, page)
            yield from unknown
            if is_old and not is_complete:
                return

    def _pin(self, found: Account) -> None:
        """Another process may have been first, with another key."""
        with self._connect() as connection:
            identity.pin(connection, found)
            _require_same(identity.read(connection), found)


def _require_same(ledger: Identity, found: Account) -> None:
    if ledger.account not in (None, found):
        raise PayoutsError(
            f"This ledger belongs to {ledger.account} at Stripe, and STRIPE_API_KEY is a key of {found}: nothing was "
            "sent. Set the right key; 'payouts ledger --beside --reason …' moves a ledger to another account."
        )


def _used_by(trace: Trace) -> str:
    return (
        f"Another ledger, {trace.ledger}, has moved money on this Stripe account, the last of it for "
        f"{trace.movement.day}: nothing was sent. If this is that ledger, run 'payouts ledger --continue "
        f"{trace.ledger} --reason …'; if two are meant to use the account, 'payouts ledger --beside --reason …'."
    )
