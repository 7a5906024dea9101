"""Which part of a picture the inpainting net sees at once, and at which size. Pure integers, no pixels."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from inference.requests.fields import SIDE_STEP, InvalidRequest

LEAST_KNOWN = 0.4  # share of a window that should be known before the rest of it is painted
LEAST_GROWTH = 16
AREA_SLACK = 1.2  # a window may be this much larger than the model's own area before it is cut
LONG = 1.5  # sides of the model's square, beyond which a strip is painted window by window
OVERLAP = 0.25  # of a window with the one beside it in the same strip
SMALL = (768 / 1024) ** 2  # of the model's own area: the smallest pictures of the last stage of training
FOCUS = 2  # sides of a crop, in sides of the marked area
LEAST_FOCUS = 1 / 3  # of the model's own side: more would enlarge pixels, not detail
WORTH_A_CROP = 0.6  # of the whole picture: a larger crop would gain next to nothing
MOST_AREA = 1.5  # of the model's own, that rounding to whole steps may come to


class Box(NamedTuple):
    """A rectangle of pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def area(self) -> int:
        return self.width * self.height

    @property
    def turned(self) -> Box:
        """The same rectangle with the two axes exchanged."""
        return Box(self.y, self.x, self.height, self.width)

    def grown(self, by: int, within: Box) -> Box:
        """This box with `by` more pixels on every side, as far as there is room."""
        x, y = max(within.x, self.x - by), max(within.y, self.y - by)
        return Box(x, y, min(within.right, self.right + by) - x, min(within.bottom, self.bottom + by) - y)


def published_size(width: int, height: int, native_side: int = 1024) -> tuple[int, int]:
    """Width and height at which github.com/ai-forever/Kandinsky-3 inpaints a picture: no more than the model's own
    area, both sides cut to multiples of 64. Raises InvalidRequest when a side is less than 64 then."""
    shrink = max(1.0, math.sqrt(width * height / native_side**2))
    cut = (round(width / shrink) // SIDE_STEP * SIDE_STEP, round(height / shrink) // SIDE_STEP * SIDE_STEP)
    if not all(cut):
        raise InvalidRequest("image", f"{width}x{height} leaves a side below {SIDE_STEP} pixels to the model")
    return cut


def model_size(width: int, height: int, native_side: int) -> tuple[int, int]:
    """Width and height at which the net is at its best with such a window: about the model's own area, multiples of
    64. A window already of a size that the net was trained with keeps it; one too thin to be followed is distorted."""
    share = width * height / native_side**2
    scale = 1.0 if SMALL <= share <= 1.0 else share**-0.5
    wide, high = (max(SIDE_STEP, round(side * scale / SIDE_STEP) * SIDE_STEP) for side in (width, height))
    most = int(MOST_AREA * native_side**2) // min(wide, high) // SIDE_STEP * SIDE_STEP
    return min(wide, most), min(high, most)


def focus_box(marked: Box, width: int, height: int, native_side: int) -> Box:
    """The crop in which to repaint the `marked` part of a picture: as much again around it as it measures, or the
    whole picture when a crop would hold most of it."""
    least = math.ceil(native_side * LEAST_FOCUS)
    wide, high = max(least, FOCUS * marked.width), max(least, FOCUS * marked.height)
    wide, high = max(wide, high // 2), max(high, wide // 2)
    if wide * high > WORTH_A_CROP * width * height:
        return Box(0, 0, width, height)
    wide, high = min(wide, width), min(high, height)
    x = min(max(0, marked.x + (marked.width - wide) // 2), width - wide)
    y = min(max(0, marked.y + (marked.height - high) // 2), height - high)
    return Box(x, y, wide, high)


@lru_cache(maxsize=256)
def outpaint_windows(
    width: int, height: int, box: tuple[int, int, int, int], native_side: int = 1024
) -> tuple[Box, ...]:
    """Windows to paint one after another until a canvas is full of which only `box` is known.

    What is known stays a rectangle but inside a strip. While it is small it grows to all sides at once; when it fills
    a window it grows side by side, each new strip under a window that is about half known.
    """
    canvas, known, windows = Box(0, 0, width, height), Box(*box), []
    while known != canvas:
        ring = _ring(known, canvas, native_side)
        if ring is not None:
            known = ring
            windows.append(ring)
        elif known.width < width:
            known, strip = _strip(known, width, native_side)
            windows += strip
        else:
            known, strip = _strip(known.turned, height, native_side)
            known = known.turned
            windows += [window.turned for window in strip]
    return tuple(windows)


def _ring(known: Box, canvas: Box, native_side: int) -> Box | None:
    """`known` grown to every side that has room, so far that the net still has enough to go on; None when it fills the
    better part of a window already and cannot reach the whole canvas."""

    def fits(by: int) -> bool:
        area = known.grown(by, canvas).area
        return area * LEAST_KNOWN <= known.area and area <= AREA_SLACK * native_side**2

    low, high = 0, max(canvas.width, canvas.height)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    if known.grown(low, canvas) == canvas:
        return canvas
    grown = known.grown(max(low, LEAST_GROWTH), canvas)
    good = known.area < SMALL * native_side**2 and grown.area <= AREA_SLACK * native_side**2
    return grown if good else None


def _strip(known: Box, width: int, native_side: int) -> tuple[Box, list[Box]]:
    """`known` one strip further to the left, or to the right where the left is done, and the windows that paint it."""
    spans = [(known.y, known.height)]
    depth = max(native_side // 2, native_side**2 // known.height)
    if known.height > LONG * native_side:
        spans, depth = _spans(known.y, known.height, native_side), native_side
    gap = known.x or width - known.right
    new = math.ceil(gap / math.ceil(gap / max(1, min(depth // 2, max(known.width, LEAST_GROWTH)))))
    depth = min(known.width, depth - new) + new
    x = known.x - new if known.x else known.right + new - depth
    further = Box(known.x - new if known.x else 0, known.y, known.width + new, known.height)
    return further, [Box(x, y, depth, height) for y, height in spans]


def _spans(start: int, length: int, native_side: int) -> list[tuple[int, int]]:
    """Places and lengths of windows, evenly spread along a strip that is longer than one of them."""
    overlap = int(native_side * OVERLAP)
    count = math.ceil((length - overlap) / (native_side - overlap))
    return [(start + round(i * (length - native_side) / (count - 1)), native_side) for i in range(count)]
