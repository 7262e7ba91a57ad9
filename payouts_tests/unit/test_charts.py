"""The charts: all of their text is on the page and none over another, they are small, and odd days draw, too."""

import base64
import io
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import combinations

import pytest
from PIL import Image

from payouts_pipeline.reports.charts.activity import draw_activity
from payouts_pipeline.reports.charts.days import DAYS, draw_days
from payouts_pipeline.reports.charts.flow import draw_flow
from payouts_pipeline.reports.charts.sheet import COLOURS, EMPTY, PALE, WIDTH_PX, Box, Sheet
from payouts_pipeline.reports.overview import DayAmount, FlowLine

DAY = date(2026, 11, 22)
TITLE = "Where the fees of Wednesday, 30 September 2026 went"
STATES = ("settled", "published", "held", "rejected")
SUBJECTS = ("club", "organiser", "partner", "platform")


def flow_lines(currency: str, amount_minor: int) -> list[FlowLine]:
    """Fees in all states, of which the collected ones are paid in part."""
    lines = [
        FlowLine(currency, state, subject, "uncollected", 1, amount_minor)
        for state in STATES[1:]
        for subject in SUBJECTS
    ]
    for subject in SUBJECTS:
        paid = "kept" if subject == "platform" else "settled"
        lines.append(FlowLine(currency, "settled", subject, paid, 5, 7 * amount_minor))
    return [*lines, FlowLine(currency, "settled", "club", "held", 1, amount_minor)]


def day_amounts(currency: str, amount_minor: int) -> list[DayAmount]:
    days = [DAY - timedelta(days=number) for number in range(DAYS)]
    return [DayAmount(day, currency, state, amount_minor) for day in days for state in STATES]


def drawn(sheet: Sheet | None) -> Sheet:
    assert sheet is not None
    return sheet


def words(sheet: Sheet) -> list[str]:
    return [text for text, _ in sheet.texts]


def boxes(sheet: Sheet) -> list[tuple[str, Box]]:
    return [(text, box) for text, box in sheet.texts if text]


def cut_off(sheet: Sheet) -> list[str]:
    width, height = sheet.size
    return [said for said, (x0, y0, x1, y1) in boxes(sheet) if min(x0, y0) < 0 or x1 > width or y1 > height]


def over_each_other(sheet: Sheet) -> list[tuple[str, str]]:
    return [(one, other) for (one, a), (other, b) in combinations(boxes(sheet), 2) if _overlap(a, b)]


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def image(sheet: Sheet) -> tuple[Image.Image, int]:
    """What the browser gets, and how many characters the event log."""
    markdown = sheet.as_markdown("a description")
    head, _, rest = markdown.partition("base64,")
    assert head == "![a description](data:image/png;"
    return Image.open(io.BytesIO(base64.b64decode(rest.removesuffix(")")))), len(markdown)


def area(sheet: Sheet, colour: str) -> float:
    """How many pixels the shapes of a colour cover."""
    return sum(_area(shape) for of_shape, shape in sheet.areas if of_shape == colour)


def _area(points: Sequence[tuple[float, float]]) -> float:
    turned = [*points[1:], points[0]]
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(points, turned, strict=True))) / 2


CURRENCIES = {"EUR": 99_999_999_99, "KWD": 99_999_999_99, "JPY": 1, "AUD": 12_345, "GBP": 500, "CHF": 20}
FLOW = [line for currency, minor in CURRENCIES.items() for line in flow_lines(currency, minor)]
WEEKS = [amount for currency, minor in CURRENCIES.items() for amount in day_amounts(currency, minor)]


TYPES = (
    "charge", "transfer", "refund", "refund_failure", "payment_failure_refund", "adjustment", "stripe_fee", "topup",
    "payout", "payout_failure", "payout_minimum_balance_release",
)  # fmt: skip
ACTIVITY = {
    currency: {what: minor * (number + 1) * (-1) ** number for number, what in enumerate(TYPES)}
    for currency, minor in CURRENCIES.items()
}


@pytest.mark.parametrize(
    "sheet",
    [
        draw_flow(TITLE, FLOW, "1,000,000 fees held out and not drawn: see asset splits."),
        draw_flow(TITLE, flow_lines("EUR", 1)),
        # One fee of thousands: its node is too thin for its label.
        draw_flow(TITLE, [*flow_lines("EUR", 100_000), FlowLine("EUR", "held", "club", "uncollected", 1, 1)]),
        draw_days("Payouts of the 30 days up to Wednesday, 30 September 2026", DAY, WEEKS),
        draw_days("Charges", DAY, [DayAmount(DAY, "EUR", "held", 1)]),
        draw_activity("What moved our account at Stripe on Wednesday, 30 September 2026", ACTIVITY),
        draw_activity("What moved", {"EUR": {"charge": 1}}),
    ],
    ids=["flow of many", "flow of one", "thin flow", "weeks of many", "one day", "activity of many", "one line"],
)
def test_no_text_is_cut_off_or_over_another(sheet: Sheet | None) -> None:
    assert cut_off(drawn(sheet)) == []
    assert over_each_other(drawn(sheet)) == []


@pytest.mark.parametrize(
    "sheet",
    [draw_flow(TITLE, FLOW), draw_days("Payouts", DAY, WEEKS), draw_activity(TITLE, dict([*ACTIVITY.items()][:2]))],
    ids=["flow", "weeks", "activity"],
)
def test_an_image_is_white_small_and_fits_the_page(sheet: Sheet | None) -> None:
    found, characters = image(drawn(sheet))
    assert found.width == WIDTH_PX
    assert found.height <= 720
    assert found.convert("RGB").getpixel((1, 1)) == (255, 255, 255)
    assert characters < 42_000


def test_a_day_in_one_currency_is_a_fraction_of_that() -> None:
    assert image(drawn(draw_flow(TITLE, flow_lines("EUR", 1_000))))[1] < 16_000


def test_the_colours_of_the_image_are_those_of_the_legend() -> None:
    found = image(drawn(draw_flow(TITLE, FLOW)))[0].convert("RGB")
    seen = {"#" + bytes(colour).hex() for _, colour in found.getcolors(256) or [] if isinstance(colour, tuple)}
    assert {*COLOURS.values(), *PALE.values(), EMPTY} <= seen


def test_what_does_not_fit_is_named() -> None:
    flow, weeks = drawn(draw_flow(TITLE, FLOW)), drawn(draw_days("Payouts", DAY, WEEKS))
    assert any("Not drawn: " in said and "JPY" in said for said in words(flow))
    assert any("Not drawn: " in said for said in words(weeks))


def test_the_currency_of_most_fees_comes_first() -> None:
    lines = [FlowLine("AUD", "settled", "club", "settled", 3, 10), FlowLine("EUR", "settled", "club", "settled", 9, 10)]
    found = words(drawn(draw_flow(TITLE, lines)))
    assert found.index("EUR") < found.index("AUD")


def test_the_flow_says_how_much_is_collected_and_how_much_of_it_is_paid() -> None:
    found = words(drawn(draw_flow(TITLE, flow_lines("EUR", 100))))
    assert "collected 29.00" in found
    assert "refused 4.00" in found
    assert "club 11.00, paid 7.00" in found
    assert "platform 10.00, kept 7.00" in found
    paid = [FlowLine("EUR", "settled", "partner", "settled", 1, 250)]
    assert "partner 2.50, all paid" in words(drawn(draw_flow(TITLE, paid)))


def test_nodes_and_ribbons_are_as_large_as_their_amounts() -> None:
    lines = [
        FlowLine("EUR", "settled", "club", "settled", 1, 300),
        FlowLine("EUR", "rejected", "club", "uncollected", 1, 100),
    ]
    sheet = drawn(draw_flow(TITLE, lines))
    assert area(sheet, PALE["settled"]) == pytest.approx(3 * area(sheet, PALE["refused"]), rel=0.01)


def test_a_correction_that_takes_more_back_than_is_open_draws_the_rest() -> None:
    lines = [
        FlowLine("EUR", "settled", "club", "settled", 4, 4_000),
        FlowLine("EUR", "open", "club", "uncollected", 1, -500),
        FlowLine("EUR", "settled", "organiser", "open", 1, -100),
    ]
    found = words(drawn(draw_flow(TITLE, lines)))
    assert "club 40.00, all paid" in found
    assert not any(said.startswith(("organiser", "open")) and said != "open" for said in found)


def test_a_bar_is_as_high_as_its_amount() -> None:
    amounts = [DayAmount(DAY, "EUR", "settled", 300), DayAmount(DAY - timedelta(days=1), "EUR", "waiting", 100)]
    sheet = drawn(draw_days("Payouts", DAY, amounts))
    legend_px = 100
    settled, refused = (area(sheet, COLOURS[state]) - legend_px for state in ("settled", "refused"))
    assert settled == pytest.approx(3 * refused)
    assert "EUR:  settled 3.00,  refused 1.00" in words(sheet)


def test_what_came_is_as_long_as_it_is_much_and_to_the_right() -> None:
    sheet = drawn(draw_activity(TITLE, {"EUR": {"charge": 300, "transfer": -100, "refund": 0}}))
    legend_px = 100
    came, went = (area(sheet, COLOURS[state]) - legend_px for state in ("settled", "held"))
    assert came == pytest.approx(3 * went)
    assert "EUR:  came 3.00,  went 1.00" in words(sheet)
    assert "refund" not in words(sheet)


@pytest.mark.parametrize("lines", [[], [FlowLine("EUR", "open", "club", "uncollected", 1, -5)]])
def test_without_money_there_is_no_chart(lines: list[FlowLine]) -> None:
    assert draw_flow(TITLE, lines) is None
    assert draw_days("Payouts", DAY, []) is None
    assert draw_activity("Activity", {"EUR": {"payout": 0}}) is None
