"""Which payouts our balance at the provider covers, from when on, and what is missing: nothing is sent to be refused.

Whose turn it is: the oldest day first, on a day clubs, then organisers, then partners, and each by the payee's id.
Nobody overtakes: the first payout that is not covered waits, and all after it in its currency, or a large one would
wait for as long as there are small ones.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from uuid import UUID

from payouts_pipeline.domain.billing import PAYOUT_TYPES, BillingType
from payouts_pipeline.domain.instructions import Status
from payouts_pipeline.domain.reasons import ReasonCode
from payouts_pipeline.domain.refusals import WAIT

# The reasons of what waits without having been sent. What Stripe refused all the same has Stripe's code.
WAITS_FOR_FUNDS = frozenset({ReasonCode.FUNDS_PENDING, ReasonCode.NO_BALANCE_IN_CURRENCY})

# What the provider's journal says of our balance is good for so long.
JOURNAL_HOLDS_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class Payout:
    """A payout that is to be sent, or that waits until our balance covers it."""

    id: UUID
    day: date
    billing_type: str
    subject_id: int
    sequence: int
    currency: str
    amount_minor: int
    status: str
    reason_code: str
    retry_at: datetime | None

    @property
    def turn(self) -> tuple[date, int, int, int]:
        """Who is lower comes first."""
        return self.day, PAYOUT_TYPES.index(BillingType(self.billing_type)), self.subject_id, self.sequence

    @property
    def waits_for_funds(self) -> bool:
        """Whether it waits without having been sent."""
        return self.status == Status.WAITING and self.reason_code in WAITS_FOR_FUNDS


@dataclass(frozen=True)
class Arrival:
    """Money of our balance that is pending; ``on`` is when it becomes available, None where that is not known yet."""

    currency: str
    on: datetime | None
    amount_minor: int


@dataclass(frozen=True)
class Move:
    """What becomes of a payout: sent now (`pending`), or `waiting` until a time."""

    id: UUID
    old_status: str
    status: str
    reason_code: str
    retry_at: datetime | None


def covered_from(
    payouts: Iterable[Payout], available_minor: Mapping[str, int], arrivals: Iterable[Arrival], now: datetime
) -> dict[UUID, datetime]:
    """From when on our balance covers each payout; not in it is what nothing covers that is known of."""
    dated = sorted((each for each in arrivals if each.on), key=lambda each: each.on or now)
    found: dict[UUID, datetime] = {}
    for currency, queue in _by_currency(payouts):
        steps = [(max(each.on or now, now), each.amount_minor) for each in dated if each.currency == currency]
        found |= _covered([(now, available_minor.get(currency, 0)), *steps], queue)
    return found


def _covered(steps: Iterable[tuple[datetime, int]], queue: Iterable[Payout]) -> dict[UUID, datetime]:
    found: dict[UUID, datetime] = {}
    coming = iter(steps)
    at, there_minor = next(coming)
    wanted_minor = 0
    for payout in queue:
        wanted_minor += payout.amount_minor
        while there_minor < wanted_minor:
            step = next(coming, None)
            if step is None:
                return found
            at, there_minor = step[0], there_minor + step[1]
        found[payout.id] = at
    return found


def _by_currency(payouts: Iterable[Payout]) -> Iterator[tuple[str, list[Payout]]]:
    """The payouts of each currency, in their turn."""
    ordered = sorted(payouts, key=lambda each: (each.currency, each.turn))
    for currency, queue in groupby(ordered, key=lambda each: each.currency):
        yield currency, list(queue)


def decide(
    payouts: Iterable[Payout],
    covered: Mapping[UUID, datetime],
    day: date,
    now: datetime,
    currencies: frozenset[str] | None = None,
) -> list[Move]:
    """What becomes of the payouts when this day is paid; those of other days are woken for their own run.

    ``currencies``: in which we have a balance at all, None where that is not known.
    """
    moves = []
    for each in payouts:
        at = covered.get(each.id)
        is_covered = at is not None and at <= now
        if each.status == Status.PENDING and not is_covered:
            moves.append(_waits(each, at, now, currencies))
        elif each.waits_for_funds and is_covered and each.day == day:
            moves.append(Move(each.id, each.status, Status.PENDING, ReasonCode.NOT_PUBLISHED, None))
        elif each.waits_for_funds and is_covered:
            moves += _at(each, now, now)
        elif each.waits_for_funds and each.day == day and each.retry_at and each.retry_at <= now:
            moves.append(_waits(each, at, now, currencies))
    return moves


def replan(payouts: Iterable[Payout], covered: Mapping[UUID, datetime], now: datetime) -> list[Move]:
    """What waits for funds is looked at again when they are there, as far as that is known by now."""
    return [move for each in payouts if each.waits_for_funds for move in _at(each, covered.get(each.id), now)]


def _waits(payout: Payout, at: datetime | None, now: datetime, currencies: frozenset[str] | None) -> Move:
    has_balance = currencies is None or payout.currency in currencies
    code = ReasonCode.FUNDS_PENDING if has_balance else ReasonCode.NO_BALANCE_IN_CURRENCY
    return Move(payout.id, payout.status, Status.WAITING, code, at or now + WAIT)


def _at(payout: Payout, at: datetime | None, now: datetime) -> list[Move]:
    """The same waiting, until another time; nothing where that is as it was, or its time has come already."""
    if at is None or at == payout.retry_at or (payout.retry_at and payout.retry_at <= now):
        return []
    return [Move(payout.id, payout.status, payout.status, payout.reason_code, at)]
