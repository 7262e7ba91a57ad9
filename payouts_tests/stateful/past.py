"""What the tests know of what a ledger lost when it was restored, and of what happened at Stripe without it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from payouts_pipeline.ledger.database import Connection
from payouts_pipeline.local.stripe_emulator.admin import EmulatorAdmin, JournalRow
from payouts_tests.stateful.neighbour import LEDGER as NEIGHBOUR

# What we ask for; all else takes some of it back, or brings that again.
MOVES = ("charge", "transfer")
TAKES = {"refund", "dispute", "reversal"}
GIVES = ("refund", "reversal")
PAYABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_ATTEMPTS = "select instruction_id::text || ':' || number from payouts.attempts"
_KEPT = "select provider_reference from payouts.movements"


def reference(row: JournalRow) -> str:
    """What the ledger calls a movement: its payment intent, or the transfer itself; also of what takes it back."""
    return row.payment_intent or (row.id if row.kind in MOVES else str(row.source))


@dataclass(frozen=True)
class Seen:
    """What Stripe has: movements of our ledger, what took them back, its payment intents, and the neighbour's."""

    journal: Sequence[JournalRow]
    returns: Sequence[JournalRow]
    intents: Sequence[Mapping[str, Any]]
    neighbours: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, stripe: EmulatorAdmin) -> "Seen":
        intents, rows = stripe.payments(), stripe.journal()
        journal = [row for row in rows if row.kind in MOVES and row.metadata["ledger"] != str(NEIGHBOUR)]
        ours = {reference(row) for row in journal}
        return cls(
            journal,
            [row for row in rows if row.kind not in MOVES and reference(row) in ours],
            [intent for intent in intents if intent["metadata"]["ledger"] != str(NEIGHBOUR)],
            [intent for intent in intents if intent["metadata"]["ledger"] == str(NEIGHBOUR)],
        )

    @property
    def attempts(self) -> dict[str, str]:
        """Of each movement and intent, by reference, the attempt that has made it."""
        metadata = {reference(row): row.metadata for row in self.journal}
        metadata |= {intent["id"]: intent["metadata"] for intent in self.intents}
        return {found: f"{said['instruction_id']}:{said['attempt']}" for found, said in metadata.items()}

    @property
    def ordered(self) -> dict[str, JournalRow]:
        """What was given back since the ledger had asked for it, by its id."""
        return {row.id: row for row in self.returns if row.kind in GIVES and row.metadata.get("ledger")}

    @property
    def moved(self) -> set[str]:
        return {reference(row) for row in self.journal}


@dataclass(frozen=True)
class Backup:
    """What the ledger is put back to, and what was known of it then."""

    clock_s: int
    references: set[str]
    booked: Any
    on_hold: Any


@dataclass
class Past:
    """References at Stripe that need not be what the ledger thinks of them, and why."""

    # Of calls that were made after the backup that was restored.
    lost: set[str] = field(default_factory=set)
    # Payment intents that their payers have paid on their own.
    paid_late: set[str] = field(default_factory=set)
    # Movements of which a person has said that they are not their instruction's, and has given the money back.
    given_back: set[str] = field(default_factory=set)
    # All that was there at the restore, until the ledger has caught up with it.
    at_restore: set[str] | None = None
    # Money has moved of which the restored ledger knows nothing, so that it must send nothing.
    must_not_send: bool = False

    def restored(self, ledger: Connection, backup: Backup, now: Seen) -> None:
        """Note what the ledger has lost."""
        self.lost |= {*now.attempts, *now.ordered} - backup.references
        self.at_restore = set(now.attempts)
        self.must_not_send = bool(self._unknown(ledger, now) & now.moved)

    def recovered(self, ledger: Connection, now: Seen) -> None:
        """Fail where a recovery has missed anything that the ledger had lost."""
        missed = self._unknown(ledger, now)
        assert missed == set(), "the ledger has not caught up"
        self.at_restore, self.must_not_send = None, False

    def look(self, ledger: Connection, now: Seen) -> None:
        """Fail where the ledger has sent anything before it had caught up, or missed what it was told."""
        if self.must_not_send:
            assert set(now.attempts) == self.at_restore, "something was sent by a ledger that is behind"

    def _unknown(self, ledger: Connection, now: Seen) -> set[str]:
        known = {found for query in (_ATTEMPTS, _KEPT) for (found,) in ledger.execute(query)}
        return {found for found, attempt in now.attempts.items() if not {found, attempt} & known}
