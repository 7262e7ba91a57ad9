"""What moved our account at Stripe on a day, as bars: what came to the right, what went to the left, by type."""

from collections.abc import Mapping

from payouts_pipeline.reports.charts.sheet import (
    COLOURS,
    FAINT,
    MARGIN_PX,
    MOST_PANELS,
    TITLE_SIZE,
    WIDTH_PX,
    Sheet,
    amount,
    box,
)
from payouts_pipeline.reports.overview import HELD, SETTLED

_MOST_BARS = 8
_TOP_PX, _ROW_PX, _HEAD_PX, _GAP_PX, _LEGEND_PX = 44, 22, 24, 12, 34
_LEFT_PX, _RIGHT_PX, _LABEL_PX = 235, 20, 110
_MIDDLE_PX = (_LEFT_PX + WIDTH_PX - _RIGHT_PX) / 2
_HALF_PX = (WIDTH_PX - _RIGHT_PX - _LEFT_PX) / 2 - _LABEL_PX

Nets = Mapping[str, Mapping[str, int]]  # minor units by currency and type


def draw_activity(title: str, nets: Nets) -> Sheet | None:
    """The chart of a day; None where nothing moved. A panel for each currency, that of the most types first."""
    moved = {currency: {what: net for what, net in of.items() if net} for currency, of in nets.items()}
    ordered = sorted((each for each in moved if moved[each]), key=lambda each: (-len(moved[each]), each))
    if not ordered:
        return None
    panels = {currency: _largest(moved[currency]) for currency in ordered[:MOST_PANELS]}
    rows_px = sum(_HEAD_PX + len(bars) * _ROW_PX + _GAP_PX for bars in panels.values())
    sheet = Sheet(_TOP_PX + rows_px + _LEGEND_PX)
    sheet.write(MARGIN_PX, 20, title, size=TITLE_SIZE, is_bold=True)
    y_px = float(_TOP_PX)
    for currency, bars in panels.items():
        y_px = _draw_panel(sheet, y_px, currency, bars)
    left_out = f"; not drawn: {', '.join(ordered[MOST_PANELS:][: MOST_PANELS * 4])}" if ordered[MOST_PANELS:] else ""
    sheet.legend(y_px + 10, {"came": COLOURS[SETTLED], f"went{left_out}": COLOURS[HELD]})
    return sheet


def _largest(nets: Mapping[str, int]) -> dict[str, int]:
    """As many as can be read, the largest first; what is left is one bar."""
    ordered = sorted(nets, key=lambda what: (-abs(nets[what]), what))
    bars = {what: nets[what] for what in ordered[:_MOST_BARS]}
    rest = sum(nets[what] for what in ordered[_MOST_BARS:])
    return bars | ({"others": rest} if rest else {})


def _draw_panel(sheet: Sheet, top_px: float, currency: str, bars: Mapping[str, int]) -> float:
    """One currency; where the next begins."""
    came, went = (sum(net for net in bars.values() if (net > 0) is positive) for positive in (True, False))
    said = f"{currency}:  came {amount(came, currency)},  went {amount(-went, currency)}"
    sheet.write(MARGIN_PX, top_px + 8, said)
    largest = max(abs(net) for net in bars.values())
    first_px = top_px + _HEAD_PX
    sheet.fill(FAINT, [box(_MIDDLE_PX, first_px - 2, 1, len(bars) * _ROW_PX)])
    for number, (what, net) in enumerate(bars.items()):
        y_px, width_px = first_px + number * _ROW_PX, abs(net) / largest * _HALF_PX
        sheet.write(_LEFT_PX - 10, y_px + 7, what, align="right")
        left_px = _MIDDLE_PX if net > 0 else _MIDDLE_PX - width_px
        sheet.fill(COLOURS[SETTLED if net > 0 else HELD], [box(left_px, y_px, width_px, _ROW_PX - 8)])
        x_px = left_px + width_px + 6 if net > 0 else left_px - 6
        sheet.write(x_px, y_px + 7, amount(net, currency), align="left" if net > 0 else "right")
    return first_px + len(bars) * _ROW_PX + _GAP_PX
