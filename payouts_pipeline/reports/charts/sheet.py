"""What charts are drawn on: shapes and texts at pixels from the top left corner, and the way into Markdown.

No library for charts: to import one takes longer than a day without news, and to draw with it as long again.
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
TITLE_SIZE = 15.0
# Told apart by people who see fewer colours, too (Okabe and Ito), on white; the pale ones are for areas.
COLOURS = {SETTLED: "#0072b2", OPEN: "#8c8c8c", HELD: "#e69f00", REFUSED: "#d55e00"}
PALE = {SETTLED: "#b2d4e7", OPEN: "#dcdcdc", HELD: "#f7e2b2", REFUSED: "#f2ceb2"}
INK, FAINT, EMPTY = "#222222", "#dddddd", "#eeeeee"

_TEXT_SIZE = 12.5
_CHARACTER_PX = 6.6
_BOLD_PX = 0.4
_ANCHORS = {"left": "lm", "center": "mm", "right": "rm"}
_CORNERS = 4
# With just these colours a file is a third of the size; the greys are for the edges of letters.
_GREYS = ("#ffffff", "#bbbbbb", "#6f6f6f", "#484848")
_PALETTE = (*_GREYS, INK, FAINT, EMPTY, *COLOURS.values(), *PALE.values())

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom


class Sheet:
    """A white page, which can be read on the dark theme of the UI, too."""

    def __init__(self, height_px: float) -> None:
        from PIL import Image, ImageDraw

        self._image = Image.new("RGB", (WIDTH_PX, round(height_px)), "white")
        self._draw = ImageDraw.Draw(self._image)
        # What was drawn, as it was asked for: each text with the pixels that it takes, each area with its colour.
        self.texts: list[tuple[str, Box]] = []
        self.areas: list[tuple[str, Sequence[Point]]] = []

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._image.size

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
        from PIL import ImageFont

        font, anchor, stroke = ImageFont.load_default(size), _ANCHORS[align], _BOLD_PX if is_bold else 0
        self._draw.text((x_px, y_px), text, INK, font, anchor, stroke_width=stroke)
        left, top, right, bottom = self._draw.textbbox((x_px, y_px), text, font, anchor, stroke_width=stroke)
        self.texts.append((text, (left, top, right, bottom)))

    def fill(self, colour: str, shapes: Sequence[Sequence[Point]]) -> None:
        """Areas between points."""
        for shape in shapes:
            self.areas.append((colour, shape))
            if len(shape) == _CORNERS:
                self._draw.rectangle(_pixels(shape), colour)
            else:
                self._draw.polygon(list(shape), colour)

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

        buffer = io.BytesIO()
        self._image.quantize(palette=_palette(), dither=Image.Dither.NONE).save(buffer, "png", bits=4)
        return f"![{description}](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})"


def box(left_px: float, top_px: float, width_px: float, height_px: float) -> list[Point]:
    """The corners of a rectangle."""
    right_px, bottom_px = left_px + width_px, top_px + height_px
    return [(left_px, top_px), (right_px, top_px), (right_px, bottom_px), (left_px, bottom_px)]


def _pixels(corners: Sequence[Point]) -> Box:
    """The pixels of a rectangle, of which its right and its lower edge are none; what is thin has one all the same."""
    (left, top), (right, bottom) = (tuple(map(round, corner)) for corner in (corners[0], corners[2]))
    return left, top, max(right - 1, left), max(bottom - 1, top)


def amount(amount_minor: int, currency: str) -> str:
    """An amount whose currency is said beside it."""
    return format_minor(amount_minor, currency).removesuffix(f" {currency}")


def _palette() -> "Image":
    from PIL import Image

    image = Image.new("P", (1, 1))
    image.putpalette(b"".join(bytes.fromhex(colour[1:]) for colour in _PALETTE))
    return image
