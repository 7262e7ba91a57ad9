"""How our ledger stands at Stripe (rule of money 9): whose account it is, and whether another ledger has used it.

Asked before the first call of a process that may move money or judge an attempt, and again when the database turns out
to be another: after a restore, or at another server. Where the answer is no good, nothing is sent.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.ledger import identity
from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.ledger.identity import Account, Identity
from payouts_pipeline.settlement.stripe_client import KINDS, StripeClient
from payouts_pipeline.settlement.traces import Trace, traces

# A ledger that has never sent anything looks this far for others: a hundred pages each of charges and transfers.
_LOOKED_AT = 10_000


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
                mark, ledger = identity.mark(connection), identity.read(connection)
                is_alone = not (identity.has_sent(connection) or identity.stands_beside(connection))
            if mark == self._judged:
                return
            found = self.account()
            _require_same(ledger, found)
            if is_alone:
                self._require_nobody_else(ledger)
            if ledger.account is None:
                self._pin(found)
            self._judged = mark

    def account(self) -> Account:
        """Account and mode of our key; raises PayoutsError where Stripe does not say."""
        return Account(self._stripe.account(), self._stripe.mode)

    def _require_nobody_else(self, ledger: Identity) -> None:
        for kind in KINDS:
            for number, trace in enumerate(traces(self._stripe, kind, None)):
                if trace and trace.ledger != str(ledger.id):
                    raise PayoutsError(_used_by(trace))
                if number == _LOOKED_AT:
                    raise PayoutsError(
                        "Stripe has more on this account than could be searched for movements of another ledger, so "
                        "nothing was sent: see that there are none, and run 'payouts ledger --beside --reason …'."
                    )

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
        f"Another ledger, {trace.ledger}, has moved money on this Stripe account, the last of it for {trace.day}: "
        "nothing was sent. If two ledgers are meant to use the account, run 'payouts ledger --beside --reason …'."
    )
