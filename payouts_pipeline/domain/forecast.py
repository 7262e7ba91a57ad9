"""When payouts that wait for our balance can be paid, and what is missing: for people, and nothing is decided by it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from payouts_pipeline.domain.funds import Arrival, Payout, covered_from


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
