"""Which terms hold from when: `league.fee_structures` and `league.fee_shares` of the sample season."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from payouts_pipeline.local.season import catalogue
from payouts_pipeline.local.season.catalogue import Competition

# So early that every day has terms.
_ALWAYS = date(2000, 1, 1)
NEWCOMER_DAYS_WITHOUT_TERMS = 14


def structure_id(competition_id: int, effective_from: date) -> int:
    """Make the id of the fee structure that a competition has from this date on."""
    return competition_id * 100_000_000 + int(f"{effective_from:%Y%m%d}")


def revisions(first_day: date, last_day: date) -> list[date]:
    """List when revised terms come into force: firsts of odd months, from the one that holds on `first_day`.

    The calendar and not the season decides, so that the terms of a day do not depend on when the season was
    loaded; and 75 days always have such a date with at least ten days after it.
    """
    latest = date(first_day.year, first_day.month - (first_day.month + 1) % 2, 1)
    dates = []
    while latest <= last_day:
        dates.append(latest)
        latest = date(latest.year + (latest.month == 11), (latest.month + 2) % 12, 1)
    return dates


def _structures(first_day: date, last_day: date) -> Iterator[tuple[Competition, date]]:
    for competition in catalogue.COMPETITIONS:
        dates = revisions(first_day, last_day) if len(competition.terms) > 1 else [_ALWAYS]
        if competition.id == catalogue.NEWCOMER_CUP:
            dates = [first_day + timedelta(days=NEWCOMER_DAYS_WITHOUT_TERMS)]
        for effective_from in dates:
            yield competition, effective_from


def _terms_from(competition: Competition, effective_from: date) -> catalogue.Terms:
    """Take the first terms and the revised ones in turn: January, May and September are back at the first."""
    return competition.terms[effective_from.month // 2 % 2 if len(competition.terms) > 1 else 0]


def structure_rows(first_day: date, last_day: date) -> list[tuple[Any, ...]]:
    """Make the rows of `league.fee_structures` that matches from `first_day` to `last_day` need."""
    return [
        (
            structure_id(competition.id, effective_from),
            competition.id,
            effective_from,
            competition.currency,
            _terms_from(competition, effective_from).fee_minor,
        )
        for competition, effective_from in _structures(first_day, last_day)
    ]


def share_rows(first_day: date, last_day: date) -> list[tuple[Any, ...]]:
    """Make the rows of `league.fee_shares` for the same structures."""
    return [
        (
            structure_id(competition.id, effective_from),
            share.billing_subject,
            share.partner_id,
            share.fixed_minor,
            share.share_bps,
        )
        for competition, effective_from in _structures(first_day, last_day)
        for share in _terms_from(competition, effective_from).shares
    ]
