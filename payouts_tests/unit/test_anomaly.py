"""The band in which the fees of a day usually are."""

from datetime import date, timedelta

import pytest

from payouts_pipeline.domain.anomaly import days_to_compare, fees_in_usual_band

SATURDAY = date(2026, 3, 7)


def weeks(*amounts: int, currency: str = "EUR") -> dict[date, dict[str, int]]:
    """The Saturdays before, the latest first; 0 for one without matches."""
    before = zip(days_to_compare(SATURDAY), amounts, strict=False)
    return {day: {currency: amount} for day, amount in before if amount}


def test_the_same_weekday_of_twelve_weeks_is_looked_at() -> None:
    days = days_to_compare(SATURDAY)
    assert {day.weekday() for day in days} == {SATURDAY.weekday()}
    assert (days[0], days[-1]) == (SATURDAY - timedelta(weeks=1), SATURDAY - timedelta(weeks=12))


@pytest.mark.parametrize(
    ("today_minor", "is_usual"), [(1_000, True), (500, True), (499, False), (2_000, True), (2_001, False), (0, False)]
)
def test_usual_is_half_to_twice_the_median(today_minor: int, is_usual: bool) -> None:
    finding = fees_in_usual_band(SATURDAY, {"EUR": today_minor}, weeks(1_000, 1_000, 1_000, 1_000))
    assert finding.passed is is_usual
    assert finding.figures["usual_minor"] == {"EUR": (500, 2_000)}


def test_what_there_was_is_usual_and_an_outlier_moves_the_band_no_further() -> None:
    before = weeks(1_000, 1_000, 9_000, 1_000, 1_000)
    assert fees_in_usual_band(SATURDAY, {"EUR": 9_000}, before).passed
    assert not fees_in_usual_band(SATURDAY, {"EUR": 9_001}, before).passed


def test_only_the_last_eight_with_matches_count() -> None:
    before = weeks(*[1_000] * 4, 0, *[1_000] * 4, 50_000)
    finding = fees_in_usual_band(SATURDAY, {"EUR": 50_000}, before)
    assert finding.figures["compared_with"] == 8
    assert not finding.passed


def test_too_little_history_passes_and_says_so() -> None:
    finding = fees_in_usual_band(SATURDAY, {"EUR": 1}, weeks(1_000, 0, 1_000, 1_000))
    assert finding.passed
    assert finding.description == "Not enough history to compare with: 3 Saturdays with fees in 12 weeks."


def test_each_currency_has_a_band_of_its_own_and_a_rare_one_has_none() -> None:
    before = {day: {"EUR": 1_000, "JPY": 100} for day in days_to_compare(SATURDAY)[:5]}
    before[SATURDAY - timedelta(weeks=1)]["USD"] = 7
    finding = fees_in_usual_band(SATURDAY, {"EUR": 1_000, "JPY": 1_000, "USD": 70_000}, before)
    assert not finding.passed
    assert "1,000 JPY of fees, usual are 50 JPY to 200 JPY" in finding.description
    assert "EUR" not in finding.description
    assert finding.figures["fees_minor"] == {"EUR": 1_000, "JPY": 1_000, "USD": 70_000}


def test_a_day_without_fees_where_there_are_always_some_is_unusual() -> None:
    finding = fees_in_usual_band(SATURDAY, {}, weeks(*[1_000] * 6))
    assert not finding.passed
    assert "0.00 EUR of fees, usual are 5.00 EUR to 20.00 EUR" in finding.description
