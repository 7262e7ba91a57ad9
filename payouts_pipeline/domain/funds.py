"""Which payouts our balance at the provider covers, from when on, and what is missing: nothing is sent to be refused.

Whose turn it is: the oldest day first, on a day clubs, then organisers, then partners, and each by the payee's id.
Nobody overtakes: the first payout that is not covered waits, and all after it in its currency, or a large one would
wait for as long as there are small ones.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
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


@dataclass(frozen=True)
class Step:
    """What of our balance becomes available on a day (None: not known when), and how much of what waits that pays."""

    on: date | None
    amount_minor: int
    payable_minor: int


@dataclass(frozen=True)
class Forecast:
    """What payouts of one currency wait for, and from when on they can be paid.

    ``available_minor`` is what payouts in progress leave of our balance, ``payable_minor`` what of that the next run
    pays out. ``is_known``: the provider's journal has been read, so that what is missing is really missing.
    """

    currency: str
    available_minor: int
    waiting_minor: int
    payable_minor: int
    steps: Sequence[Step]
    is_known: bool = True

    @property
    def shortfall_minor(self) -> int:
        """What nothing covers that is there, or on its way."""
        there_minor = self.available_minor + sum(step.amount_minor for step in self.steps)
        return max(0, self.waiting_minor - there_minor) if self.is_known else 0


def forecasts(
    payouts: Sequence[Payout],
    available_minor: Mapping[str, int],
    arrivals: Sequence[Arrival],
    now: datetime,
    *,
    is_known: bool,
) -> list[Forecast]:
    """By currency, of those in which anything waits or is on its way."""
    covered = covered_from(payouts, available_minor, arrivals, now)
    payable: dict[tuple[str, date | None], int] = {}
    for each in payouts:
        if each.id in covered:
            when = None if covered[each.id] <= now else covered[each.id].astimezone(UTC).date()
            payable[each.currency, when] = payable.get((each.currency, when), 0) + each.amount_minor
    return [
        Forecast(
            currency,
            available_minor.get(currency, 0),
            sum(each.amount_minor for each in payouts if each.currency == currency),
            payable.get((currency, None), 0),
            _steps(currency, arrivals, payable),
            is_known,
        )
        for currency in sorted({each.currency for each in payouts} | {each.currency for each in arrivals})
    ]


def _steps(currency: str, arrivals: Iterable[Arrival], payable: Mapping[tuple[str, date | None], int]) -> list[Step]:
    """One for each day on which money becomes available; what has no date yet comes last."""
    sums: dict[date | None, int] = {}
    for each in arrivals:
        if each.currency == currency:
            on = each.on.astimezone(UTC).date() if each.on else None
            sums[on] = sums.get(on, 0) + each.amount_minor
    order = sorted(sums, key=lambda on: (on is None, on or date.max))
    return [Step(on, sums[on], payable.get((currency, on), 0) if on else 0) for on in order]
