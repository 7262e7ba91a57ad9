"""Whether the fees of a day are as high as they usually are: a league has its weekdays, so only the same are compared.

A wrong total passes every other check if it is wrong everywhere: a league that was loaded twice, half of the line-ups,
terms with a zero too many. The band is one that a person can recompute: from half to twice the median, and never
narrower than what there was.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from statistics import median

from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.domain.findings import Finding

# How many days are compared with, and how few are too few to say anything.
_COMPARED, _NEEDED = 8, 4
# How far back those may be: in the summer break the weeks before it are soon no longer what is usual.
_WEEKS = 12

Amounts = Mapping[str, int]  # minor units by currency


def days_to_compare(day: date) -> list[date]:
    """The same weekday of the weeks before, the latest first."""
    return [day - timedelta(weeks=number) for number in range(1, _WEEKS + 1)]


def fees_in_usual_band(day: date, today: Amounts, before: Mapping[date, Amounts]) -> Finding:
    """Hold the day's fees against ``before``, which has the days of `days_to_compare` that had fees."""
    weekday = f"{day:%A}s"
    latest, bands = _latest(day, before), usual_bands(day, before)
    figures = {"fees_minor": dict(today), "usual_minor": bands, "compared_with": len(latest)}
    unusual = [
        f"{format_minor(today.get(currency, 0), currency)} of fees, usual are {format_minor(low, currency)} to "
        f"{format_minor(high, currency)}"
        for currency, (low, high) in bands.items()
        if not low <= today.get(currency, 0) <= high
    ]
    if not bands:
        text = f"Not enough history to compare with: {len(latest)} {weekday} with fees in {_WEEKS} weeks."
    elif not unusual:
        text = f"The fees are as high as on the last {len(latest)} {weekday} with matches."
    else:
        text = (
            f"Compared with the last {len(latest)} {weekday} with matches: {'; '.join(unusual)}. See whether matches, "
            "line-ups and terms of the day are complete and right; correct league and materialise the day again."
        )
    return Finding(not unusual, text, figures)


def usual_bands(day: date, before: Mapping[date, Amounts]) -> dict[str, tuple[int, int]]:
    """By currency the lowest and the highest fees that are usual on such a day, where there is enough history."""
    return dict(_bands(_latest(day, before)))


def _latest(day: date, before: Mapping[date, Amounts]) -> list[Amounts]:
    return [before[each] for each in days_to_compare(day) if each in before][:_COMPARED]


def _bands(latest: list[Amounts]) -> Iterable[tuple[str, tuple[int, int]]]:
    """By currency the lowest and the highest amount that is usual; none for a currency that is too rare."""
    for currency in sorted({currency for amounts in latest for currency in amounts}):
        amounts = [each[currency] for each in latest if each.get(currency)]
        if len(amounts) >= _NEEDED:
            middle = median(amounts)
            yield currency, (min(int(middle / 2), *amounts), max(int(middle * 2), *amounts))
