"""What charts are drawn on: shapes and texts at pixels from the top left corner, and the way into Markdown.

Not matplotlib's axes: setting them up takes most of the time of a small chart, and a run may draw a hundred.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from payouts_pipeline.domain.currencies import format_minor
from payouts_pipeline.reports.overview import HELD, OPEN, REFUSED, SETTLED

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH_PX = 860
MARGIN_PX = 20
# More panels than this make a chart that nobody looks at; what is left out is named below it.
MOST_PANELS = 4
TITLE_SIZE = 11
# Told apart by people who see fewer colours, too (Okabe and Ito), on white; the pale ones are for areas.
COLOURS = {SETTLED: "#0072b2", OPEN: "#8c8c8c", HELD: "#e69f00", REFUSED: "#d55e00"}
PALE = {SETTLED: "#b2d4e7", OPEN: "#dcdcdc", HELD: "#f7e2b2", REFUSED: "#f2ceb2"}
INK, FAINT, EMPTY = "#222222", "#dddddd", "#eeeeee"

_TEXT_SIZE = 9
_CHARACTER_PX = 6.6
_DPI = 100
# With just these colours a file is a third of the size; the greys are for the edges of letters.
_GREYS = ("#ffffff", "#bbbbbb", "#6f6f6f", "#484848")
_PALETTE = (*_GREYS, INK, FAINT, EMPTY, *COLOURS.values(), *PALE.values())

Point = tuple[float, float]


class Sheet:
    """A white page, which can be read on the dark theme of the UI, too."""

    def __init__(self, height_px: float) -> None:
        # The parts that are drawn by hand, and never pyplot, which keeps every figure for good.
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.figure = Figure(figsize=(WIDTH_PX / _DPI, height_px / _DPI), dpi=_DPI, facecolor="white")
        self._canvas = FigureCanvasAgg(self.figure)
        self._height_px = height_px

    def write(
        self,
        x_px: float,
        y_px: float,
        text: str,
        *,
        align: Literal["left", "center", "right"] = "left",
        is_bold: bool = False,
        size: float = _TEXT_SIZE,
    ) -> None:
        """One line of text, with its middle at this height."""
        self.figure.text(
            x_px / WIDTH_PX,
            1 - y_px / self._height_px,
            text,
            ha=align,
            va="center_baseline",
            size=size,
            color=INK,
            weight="bold" if is_bold else "normal",
            # An amount of dollars is no formula.
            parse_math=False,
        )

    def fill(self, colour: str, shapes: Sequence[Sequence[Point]]) -> None:
        """Areas between points, many at once: one by one takes ten times as long."""
        from matplotlib.collections import PolyCollection
        from matplotlib.transforms import IdentityTransform

        points = [[(x_px, self._height_px - y_px) for x_px, y_px in shape] for shape in shapes]
        areas = PolyCollection(
            points, facecolors=colour, linewidths=0, antialiaseds=False, transform=IdentityTransform()
        )
        self.figure.add_artist(areas)

    def legend(self, y_px: float, meanings: Mapping[str, str]) -> None:
        """What the colours mean, in one line."""
        x_px = float(MARGIN_PX)
        for meaning, colour in meanings.items():
            self.fill(colour, [box(x_px, y_px - 5, 10, 10)])
            self.write(x_px + 16, y_px, meaning)
            x_px += 40 + _CHARACTER_PX * len(meaning)

    def as_markdown(self, description: str) -> str:
        """The page as an image that Dagster's UI shows, whole within the text."""
        from PIL import Image

        self._canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib has no types for it
        size = self._canvas.get_width_height()
        pixels = bytes(self._canvas.buffer_rgba())  # type: ignore[no-untyped-call]  # nor for this
        drawn = Image.frombytes("RGBA", size, pixels).convert("RGB")
        buffer = io.BytesIO()
        drawn.quantize(palette=_palette(), dither=Image.Dither.NONE).save(buffer, "png", bits=4)
        return f"![{description}](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})"


def box(left_px: float, top_px: float, width_px: float, height_px: float) -> list[Point]:
    """The corners of a rectangle."""
    right_px, bottom_px = left_px + width_px, top_px + height_px
    return [(left_px, top_px), (right_px, top_px), (right_px, bottom_px), (left_px, bottom_px)]


def amount(amount_minor: int, currency: str) -> str:
    """An amount whose currency is said beside it."""
    return format_minor(amount_minor, currency).removesuffix(f" {currency}")


def _palette() -> "Image":
    from PIL import Image

    image = Image.new("P", (1, 1))
    image.putpalette(b"".join(bytes.fromhex(colour[1:]) for colour in _PALETTE))
    return image
