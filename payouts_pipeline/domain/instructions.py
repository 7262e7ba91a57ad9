"""The life of an instruction (README): its id, its states, and which state may follow which."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from payouts_pipeline.domain.billing import BillingType

# What our ids are made with: fixed forever, or the same booking would name other instructions.
_NAMESPACE = UUID("5f2f2a52-6c36-5c59-9d5e-0f6c8d3b7a11").bytes
_SUBJECTS = 2**36


class Status(StrEnum):
    """Where an instruction stands."""

    HELD = "held"
    PENDING = "pending"
    PUBLISHED = "published"
    SENDING = "sending"
    SETTLED = "settled"
    WAITING = "waiting"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


FIRST_STATUSES = frozenset({Status.HELD, Status.PENDING})

# No call of these is in progress: none was made, or it was definitely refused.
CANCELLABLE = frozenset({Status.HELD, Status.PENDING, Status.PUBLISHED, Status.WAITING, Status.REJECTED})

# The database enforces the same pairs (table `transitions`); a test compares the two.
TRANSITIONS = frozenset(
    {(status, Status.CANCELLED) for status in CANCELLABLE}
    # From held to held: what holds it back is another thing now, which the history shows, too.
    | {(status, Status.HELD) for status in CANCELLABLE}
    | {(status, Status.PENDING) for status in (Status.HELD, Status.WAITING, Status.REJECTED)}
    | {
        (Status.PENDING, Status.PUBLISHED),
        # Our balance at the provider does not cover it, so that it is not sent.
        (Status.PENDING, Status.WAITING),
        (Status.PUBLISHED, Status.SENDING),
        (Status.UNKNOWN, Status.SENDING),
    }
    | {(Status.SENDING, outcome) for outcome in (Status.SETTLED, Status.WAITING, Status.REJECTED, Status.UNKNOWN)}
    # Stripe was asked first, and nothing of it had moved or can move.
    | {(Status.SENDING, Status.CANCELLED)}
)

# Stripe keeps a key for at least 24 hours; an hour of margin covers clocks and calls in progress.
KEY_YOUNG_FOR = timedelta(hours=23)

# After this a call that was sent can't reach the provider any more, so that "it does not know it" is final.
CALL_GONE_AFTER = timedelta(minutes=10)


@dataclass(frozen=True)
class Portion:
    """How many of the amounts, in their order, one instruction covers, and of how much it is."""

    count: int
    amount_minor: int


def portions(amounts_minor: Iterable[int], credit_minor: int, maximum_minor: int) -> list[Portion]:
    """Divide what is due above the largest amount of one call among as many instructions as it takes.

    Each covers whole amounts, in the order given, in which those below zero come first; the first one is lowered by
    the credit. Only an amount that is too large on its own is still more than the maximum.
    """
    counts, sums_minor = [0], [-credit_minor]
    for amount_minor in amounts_minor:
        if sums_minor[-1] > 0 and amount_minor > 0 and sums_minor[-1] + amount_minor > maximum_minor:
            counts.append(0)
            sums_minor.append(0)
        counts[-1] += 1
        sums_minor[-1] += amount_minor
    return list(map(Portion, counts, sums_minor))


def instruction_id(
    ledger_id: UUID, day: date, billing_type: BillingType, subject_id: int, currency: str, sequence: int
) -> UUID:
    """The same booking of the same ledger always names the same instruction, and no other ledger's ever does."""
    [name] = instruction_names(str(ledger_id), day, [(billing_type, subject_id, currency, sequence)])
    return UUID(name)


def instruction_names(ledger_id: str, day: date, keys: Iterable[tuple[BillingType, int, str, int]]) -> list[str]:
    """The texts of `instruction_id`, of which a day needs many: of each billing type, subject, currency and sequence.

    A UUID of version 8 (RFC 9562): it begins with the day and the payee or player, so that ids grow as days pass and
    every index of them grows at its end; 62 bits of a digest of all parts tell it from the others that begin so.
    """
    of_day, begin_of_day = hashlib.sha1(_NAMESPACE, usedforsecurity=False), f"{day.toordinal():06x}"
    of_day.update(f"{ledger_id}/{day}/".encode())
    names = []
    for billing_type, subject_id, currency, sequence in keys:
        of_key = of_day.copy()
        of_key.update(f"{billing_type}/{subject_id}/{currency}/{sequence}".encode())
        digest, begin = of_key.hexdigest(), f"{begin_of_day}{subject_id % _SUBJECTS:09x}"
        variant = "89ab"[int(digest[0], 16) % 4]
        names.append(f"{begin[:8]}-{begin[8:12]}-8{begin[12:]}-{variant}{digest[1:4]}-{digest[4:16]}")
    return names
