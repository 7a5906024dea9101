"""Areas without a brush: cells of a grid, and words that name a side, a corner or the middle.

A grid of n x n cells is numbered by rows from 0 in the upper left corner. Cells that stand for an area become one mask
with rounded corners: the inpainting net has seen boxes for a good part of its training, so boxes suit it.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np

from bot.imaging.regions import Mask, grown

GRIDS = (3, 4)
ROUNDING = 0.04  # of the shorter side

_TOP, _MIDDLE, _BOTTOM = (0, 1, 2), (3, 4, 5), (6, 7, 8)
_LEFT, _RIGHT = (0, 3, 6), (2, 5, 8)
_WORDS: dict[str, tuple[int, ...]] = {
    "слева|лево|влево|лев(?:ый|ая|ое|ой|ую|ом)|left": _LEFT,
    "справа|право|вправо|прав(?:ый|ая|ое|ой|ую|ом)|right": _RIGHT,
    "сверху|вверху|вверх|наверху|верх|верху|верхн(?:ий|яя|ее|ей|юю|ем)|top|upper|above": _TOP,
    "снизу|внизу|вниз|низ|низу|нижн(?:ий|яя|ее|ей|юю|ем)|bottom|lower|below": _BOTTOM,
    "центр|центре|посередине|посредине|середина|середине|середину|серединку|центральн(?:ая|ую|ой|ый|ое)"
    "|cent(?:er|re)|middle": (4,),
}
_FILLERS = re.compile(
    r"(?:в|во|на|по|с|и|у|the|a|at|in|on|of|to|and|part|side|corner|half|area|edge|картинки|картинке"
    r"|кадра|часть|части|сторона|стороне|сторону|угол|углу|уголок|уголке|край|краю|половина|половину|picture|hand)"
)
_SIDES = [(re.compile(pattern), cells) for pattern, cells in _WORDS.items()]


def cells_named(text: str) -> frozenset[int] | None:
    """Cells of the 3 x 3 grid that a text names, or None unless it names an area and nothing else.

    "слева" and "the left side" are a column, "top right" is one cell, "the middle of the left side" too.
    """
    rows: set[int] = set()
    columns: set[int] = set()
    middle = False
    for word in re.findall(r"[^\W\d_]+", text.lower().replace("ё", "е")):
        named = next((cells for pattern, cells in _SIDES if pattern.fullmatch(word)), None)
        if named is None:
            if _FILLERS.fullmatch(word):
                continue
            return None
        middle |= named == (4,)
        if named in (_TOP, _BOTTOM):
            rows.add(named[0] // 3)
        elif named in (_LEFT, _RIGHT):
            columns.add(named[0])
    if not (rows or columns or middle) or re.search(r"\d", text):
        return None
    across = columns or ({1} if middle else {0, 1, 2})
    down = rows or ({1} if middle else {0, 1, 2})
    return frozenset(row * 3 + column for row in down for column in across)


def split_area(text: str) -> tuple[frozenset[int] | None, str]:
    """The area that a text begins with and the words after it: "top left: a red balloon"."""
    whole = cells_named(text)
    if whole is not None:
        return whole, ""
    head, mark, rest = re.sub(r"\s[-–—]\s", ": ", text, count=1).partition(":")
    named = cells_named(head) if mark else None
    return (named, rest.strip()) if named is not None else (None, text)


def tells_area(text: str) -> bool:
    """Whether a text says what shall be in one area, "top left: a moon", and cannot be a description of the whole
    picture: no other area comes after the colon."""
    head, _mark, rest = text.partition(":")
    words = re.findall(r"[^\W\d_]+", rest.lower().replace("ё", "е"))
    elsewhere = any(pattern.fullmatch(word) for pattern, _cells in _SIDES for word in words)
    return bool(words) and not elsewhere and ":" not in rest and cells_named(head) is not None


def cell_mask(size: tuple[int, int], grid: int, cells: Collection[int]) -> Mask:
    """The union of cells of a grid x grid on a picture of this size (width, height), its corners rounded.  [H, W]"""
    width, height = size
    mask = np.zeros((height, width), bool)
    for cell in cells:
        row, column = divmod(cell, grid)
        if not 0 <= row < grid:
            raise ValueError(f"there is no cell {cell} in a grid of {grid} x {grid}")
        top, bottom = (round(height * edge / grid) for edge in (row, row + 1))
        left, right = (round(width * edge / grid) for edge in (column, column + 1))
        mask[top:bottom, left:right] = True
    radius = ROUNDING * min(size)
    return grown(grown(mask, -radius), radius)
