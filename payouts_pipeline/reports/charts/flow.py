"""The money of one day as a flow: from the fees, by how far they are collected, to whom they belong."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from payouts_pipeline.domain.billing import SHARE_ORDER, BillingSubject
from payouts_pipeline.reports.charts.sheet import (
    COLOURS,
    EMPTY,
    MARGIN_PX,
    MOST_PANELS,
    PALE,
    TITLE_SIZE,
    Point,
    Sheet,
    amount,
    box,
)
from payouts_pipeline.reports.overview import HELD, OPEN, REFUSED, SETTLED, STATES, FlowLine, state_of

_TOP_PX, _PANEL_PX, _GAP_PX, _LEGEND_PX, _NOTES_PX = 66, 98, 22, 30, 28
_NODES_FROM_PX, _NODES_TO_PX, _NODE_PX = 240, 536, 10
_BETWEEN_PX = 4.0
_LINE_PX = 15.0
_FEES = {SETTLED: "collected", OPEN: "open", HELD: "held", REFUSED: "refused"}
_UNCOLLECTED = "uncollected"
_PARTS = {**COLOURS, _UNCOLLECTED: EMPTY}
_MEANINGS = {
    "collected, paid out or kept": COLOURS[SETTLED],
    "open": COLOURS[OPEN],
    "held": COLOURS[HELD],
    "refused": COLOURS[REFUSED],
    "fee not collected yet": EMPTY,
}

Ribbons = Mapping[tuple[str, str], int]  # minor units by state of the fee and by subject, as they are drawn


@dataclass(frozen=True)
class _Node:
    """A block at one side: what is said beside it, and the minor units that it consists of, from the top down."""

    label: str
    parts: Mapping[str, int]  # by colour


def draw_flow(title: str, lines: Sequence[FlowLine], note: str = "") -> Sheet | None:
    """The chart of these lines, with a panel for each currency; None where there is no fee.

    A correction can take back more than is open. Such a part can't be drawn: the status table has it.
    """
    currencies = _currencies(lines)
    if not currencies:
        return None
    shown, left_out = currencies[:MOST_PANELS], currencies[MOST_PANELS:]
    bottom_px = _TOP_PX + len(shown) * (_PANEL_PX + _GAP_PX)
    notes = "  ".join(([f"Not drawn: {', '.join(left_out[: MOST_PANELS * 4])}."] if left_out else []) + [note])
    sheet = Sheet(bottom_px + _LEGEND_PX + (_NOTES_PX if notes else 0))
    sheet.write(MARGIN_PX, 20, title, size=TITLE_SIZE, is_bold=True)
    sheet.write(_NODES_FROM_PX - 8, 46, "fees", align="right", is_bold=True)
    sheet.write(_NODES_TO_PX + _NODE_PX + 8, 46, "whose they are", is_bold=True)
    for number, currency in enumerate(shown):
        top_px = _TOP_PX + number * (_PANEL_PX + _GAP_PX)
        _draw_panel(sheet, top_px, currency, [line for line in lines if line.currency == currency])
    sheet.legend(bottom_px + 10, _MEANINGS)
    sheet.write(MARGIN_PX, bottom_px + 38, notes)
    return sheet


def _currencies(lines: Sequence[FlowLine]) -> list[str]:
    """The currencies in the order of their panels: that of most fees first."""
    counts: Counter[str] = Counter()
    for line in lines:
        if line.amount_minor > 0:
            counts[line.currency] += line.count
    drawable = (c for c in counts if _ribbons([line for line in lines if line.currency == c]))
    return sorted(drawable, key=lambda currency: (-counts[currency], currency))


def _draw_panel(sheet: Sheet, top_px: float, currency: str, lines: Sequence[FlowLine]) -> None:
    ribbons = _ribbons(lines)
    sheet.write(MARGIN_PX, top_px + _PANEL_PX / 2, currency, size=TITLE_SIZE, is_bold=True)
    px_per_minor = (_PANEL_PX - 3 * _BETWEEN_PX) / sum(ribbons.values())
    fees, payees = _fees(ribbons, currency), _payees(lines, ribbons, currency)
    starts = _draw_nodes(sheet, fees, _NODES_FROM_PX, top_px, px_per_minor)
    ends = _draw_nodes(sheet, payees, _NODES_TO_PX, top_px, px_per_minor)
    _draw_ribbons(sheet, ribbons, starts, ends, px_per_minor)
    for node, y_px in zip(fees.values(), _apart(starts, fees, top_px, px_per_minor), strict=True):
        sheet.write(_NODES_FROM_PX - 8, y_px, node.label, align="right")
    for node, y_px in zip(payees.values(), _apart(ends, payees, top_px, px_per_minor), strict=True):
        sheet.write(_NODES_TO_PX + _NODE_PX + 8, y_px, node.label)


def _ribbons(lines: Sequence[FlowLine]) -> Ribbons:
    sums: Counter[tuple[str, str]] = Counter()
    for line in lines:
        sums[state_of(line.fee_status), line.subject] += line.amount_minor
    keys = [(state, subject.value) for state in STATES for subject in SHARE_ORDER]
    return {key: sums[key] for key in keys if sums[key] > 0}


def _fees(ribbons: Ribbons, currency: str) -> dict[str, _Node]:
    """The left side: the fees by how far they are collected."""
    sizes = {state: sum(minor for key, minor in ribbons.items() if key[0] == state) for state in STATES}
    return {
        state: _Node(f"{_FEES[state]} {amount(size, currency)}", {COLOURS[state]: size})
        for state, size in sizes.items()
        if size
    }


def _payees(lines: Sequence[FlowLine], ribbons: Ribbons, currency: str) -> dict[str, _Node]:
    """The right side: the shares by whose they are, each with how much of it is paid."""
    nodes = {}
    for subject in SHARE_ORDER:
        size = sum(minor for key, minor in ribbons.items() if key[1] == subject)
        if size:
            parts = _parts(subject, lines, size)
            nodes[subject.value] = _Node(_payee_label(subject, size, parts.get(COLOURS[SETTLED], 0), currency), parts)
    return nodes


def _payee_label(subject: BillingSubject, size: int, paid: int, currency: str) -> str:
    verb = "kept" if subject == BillingSubject.PLATFORM else "paid"
    so_far = f"all {verb}" if paid == size else f"{verb} {amount(paid, currency)}"
    return f"{subject} {amount(size, currency)}, {so_far}"


def _parts(subject: str, lines: Sequence[FlowLine], size: int) -> dict[str, int]:
    """How far a subject's shares are paid, by colour; in all just what its ribbons bring."""
    sums: Counter[str] = Counter()
    for line in lines:
        if line.subject == subject:
            sums[_UNCOLLECTED if line.share_status == _UNCOLLECTED else state_of(line.share_status)] += (
                line.amount_minor
            )
    parts, left = {}, size
    for state, colour in _PARTS.items():
        parts[colour] = min(max(sums[state], 0), left)
        left -= parts[colour]
    parts[COLOURS[OPEN]] += left
    return {colour: part for colour, part in parts.items() if part}


def _draw_nodes(
    sheet: Sheet, nodes: Mapping[str, _Node], x_px: float, top_px: float, px_per_minor: float
) -> dict[str, float]:
    """Draw one side from the top down; where each node begins."""
    tops = {}
    for name, node in nodes.items():
        tops[name] = top_px
        for colour, size in node.parts.items():
            sheet.fill(colour, [box(x_px, top_px, _NODE_PX, size * px_per_minor)])
            top_px += size * px_per_minor
        top_px += _BETWEEN_PX
    return tops


def _draw_ribbons(
    sheet: Sheet, ribbons: Ribbons, starts: Mapping[str, float], ends: Mapping[str, float], px_per_minor: float
) -> None:
    """A band for each part of the fees, to whom it belongs, in the colour of how far it is collected."""
    left_px, right_px = dict(starts), dict(ends)
    for (state, subject), size in ribbons.items():
        height_px = size * px_per_minor
        sheet.fill(PALE[state], [_band(left_px[state], right_px[subject], height_px)])
        left_px[state] += height_px
        right_px[subject] += height_px


def _band(from_px: float, to_px: float, height_px: float) -> list[Point]:
    """From a node to another, level where it leaves and where it arrives."""
    steps = [number / 32 for number in range(33)]
    x0_px, width_px = _NODES_FROM_PX + _NODE_PX, _NODES_TO_PX - _NODES_FROM_PX - _NODE_PX
    edge = [(x0_px + step * width_px, from_px + (to_px - from_px) * step**2 * (3 - 2 * step)) for step in steps]
    return edge + [(x_px, y_px + height_px) for x_px, y_px in reversed(edge)]


def _apart(tops: Mapping[str, float], nodes: Mapping[str, _Node], top_px: float, px_per_minor: float) -> list[float]:
    """Where to write beside each node: at its middle, but a line apart from each other and within the panel."""
    places: list[float] = []
    for name, node in nodes.items():
        middle_px = tops[name] + sum(node.parts.values()) * px_per_minor / 2
        places.append(max(middle_px, places[-1] + _LINE_PX) if places else middle_px)
    lowest_px = top_px + _PANEL_PX
    for number in range(len(places) - 1, -1, -1):
        places[number] = min(places[number], lowest_px)
        lowest_px = places[number] - _LINE_PX
    return places
