"""The last weeks as bars: what was settled of each day, and what is not, with a panel for each currency."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from payouts_pipeline.reports.charts.sheet import (
    COLOURS,
    FAINT,
    MARGIN_PX,
    MOST_PANELS,
    TITLE_SIZE,
    WIDTH_PX,
    Point,
    Sheet,
    amount,
    box,
)
from payouts_pipeline.reports.overview import STATES, DayAmount, state_of

DAYS = 30
_TOP_PX, _PANEL_PX, _GAP_PX, _LEGEND_PX, _NOTES_PX = 44, 80, 34, 52, 24
_LEFT_PX, _RIGHT_PX = 130, 34
_STEP_PX = (WIDTH_PX - _LEFT_PX - _RIGHT_PX) / DAYS
_BAR_PX = 0.8 * _STEP_PX

Amounts = Mapping[str, Mapping[date, int]]  # minor units by state and day


def draw_days(title: str, day: date, amounts: Sequence[DayAmount]) -> Sheet | None:
    """The chart of the days up to ``day``; None where there was nothing on any of them."""
    by_currency = _by_currency(amounts)
    if not by_currency:
        return None
    shown, left_out = list(by_currency)[:MOST_PANELS], list(by_currency)[MOST_PANELS:]
    bottom_px = _TOP_PX + len(shown) * (_PANEL_PX + _GAP_PX) - 6
    sheet = Sheet(bottom_px + _LEGEND_PX + (_NOTES_PX if left_out else 0))
    sheet.write(MARGIN_PX, 20, title, size=TITLE_SIZE, is_bold=True)
    for number, currency in enumerate(shown):
        _draw_panel(sheet, _TOP_PX + number * (_PANEL_PX + _GAP_PX), currency, by_currency[currency], day)
    _write_days(sheet, bottom_px + 4, day)
    sheet.legend(bottom_px + 32, {state: COLOURS[state] for state in STATES})
    if left_out:
        sheet.write(MARGIN_PX, bottom_px + 56, f"Not drawn: {', '.join(left_out[: MOST_PANELS * 4])}")
    return sheet


def _by_currency(amounts: Sequence[DayAmount]) -> dict[str, Amounts]:
    """The amounts in the order of their panels: the currency that most days have comes first."""
    found: dict[str, dict[str, Counter[date]]] = {}
    for each in amounts:
        states = found.setdefault(each.currency, {state: Counter() for state in STATES})
        states[state_of(each.status)][each.day] += each.amount_minor
    days = {currency: len(set().union(*states.values())) for currency, states in found.items()}
    return {currency: found[currency] for currency in sorted(found, key=lambda each: (-days[each], each))}


def _draw_panel(sheet: Sheet, top_px: float, currency: str, states: Amounts, last_day: date) -> None:
    sums = {state: sum(amounts.values()) for state, amounts in states.items()}
    said = [f"{state} {amount(total, currency)}" for state, total in sums.items() if total]
    sheet.write(_LEFT_PX, top_px + 6, f"{currency}:  {',  '.join(said)}")
    highest_minor = max(sum((Counter(amounts) for amounts in states.values()), Counter()).values())
    zero_px = top_px + 18 + _PANEL_PX
    for value, y_px in ((highest_minor, top_px + 18), (0, zero_px)):
        sheet.fill(FAINT, [box(_LEFT_PX, y_px, WIDTH_PX - _LEFT_PX - _RIGHT_PX, 1)])
        sheet.write(_LEFT_PX - 8, y_px, amount(value, currency), align="right")
    for state, bars in _bars(states, last_day, zero_px, _PANEL_PX / highest_minor).items():
        sheet.fill(COLOURS[state], bars)


def _bars(states: Amounts, last_day: date, zero_px: float, px_per_minor: float) -> dict[str, list[list[Point]]]:
    """A stack for each day, as rectangles by state."""
    bars: dict[str, list[list[Point]]] = {state: [] for state in STATES}
    for number in range(DAYS):
        left_px, top_px = _LEFT_PX + number * _STEP_PX, zero_px
        for state in STATES:
            height_px = states[state].get(_day(last_day, number), 0) * px_per_minor
            top_px -= height_px
            if height_px:
                bars[state].append(box(left_px, top_px, _BAR_PX, height_px))
    return bars


def _write_days(sheet: Sheet, y_px: float, last_day: date) -> None:
    """Every seventh day, counted back from the last: the same day of the week."""
    for number in range(DAYS - 1, -1, -7):
        x_px = _LEFT_PX + number * _STEP_PX + _BAR_PX / 2
        sheet.write(x_px, y_px, f"{_day(last_day, number):%a %d %b}", align="center")


def _day(last_day: date, number: int) -> date:
    return last_day - timedelta(days=DAYS - 1 - number)
