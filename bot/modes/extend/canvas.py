"""How far to extend a picture: words and buttons into a canvas and the place of the picture on it. Whole pixels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from bot.prompt import PromptError
from bot.texts.errors import ToldError
from bot.texts.html import excerpt
from bot.texts.i18n import _
from inference.requests import MAX_SIDE, SIDE_STEP

Way = Literal["left", "right", "up", "down", "zoom15", "zoom2", "square"]
WAYS: tuple[Way, ...] = get_args(Way)
SIDES: tuple[Way, ...] = ("left", "right", "up", "down")
ZOOMS: dict[Way, float] = {"zoom15": 1.5, "zoom2": 2.0}
STRETCH = 0.5  # of the side, that one step in a direction adds
PERCENT = (1, 200)  # how much of it a person may say instead
MOST = 2 * MAX_SIDE
MOST_NATIVE = 4  # sides of the model's own square: further out it would see next to nothing of the picture at once
SAME_RATIO = 0.01


class NothingToAdd(ToldError):
    """The picture has the wanted shape already."""

    def told(self) -> str:
        return "👌 " + _("The picture has this shape already.")


class BadShare(PromptError):
    """Nobody extends a picture by so many per cent; `value` is the number that was said."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.value = value

    def told(self) -> str:
        least, most = PERCENT
        return _("I can extend a picture by {least} to {most} % of its side, not by {value} %.").format(
            least=least, most=most, value=excerpt(self.value)
        )


@dataclass(frozen=True)
class Sides:
    """Sides to extend at once, each by `share` of the picture's own width or height."""

    sides: frozenset[Way]
    share: float = STRETCH


Wanted = Way | Sides | tuple[int, int]  # the last is an aspect ratio


@dataclass(frozen=True)
class Canvas:
    """`box` = (x, y, width, height) is the picture's place. `scale` below one: it had to be made smaller to fit."""

    width: int
    height: int
    box: tuple[int, int, int, int]
    scale: float = 1.0


def most_side(native_side: int) -> int:
    """The longest side of a canvas that a model of this size is asked to fill."""
    return min(MOST, MOST_NATIVE * native_side)


def extended(size: tuple[int, int], way: Way | Sides, most: int) -> Canvas:
    """The canvas for one step. Raises NothingToAdd for making square what is square.

    A direction adds half a side there, or the share that was said, several of them each. Zooming out leaves the canvas
    as large as the picture was and draws the picture smaller in the middle of it, so that it can be done again and
    again.
    """
    width, height = size
    if way == "square":
        return with_ratio(size, (1, 1), most)
    if not isinstance(way, Sides):
        if way in ZOOMS:
            return _zoomed(size, ZOOMS[way], most)
        way = Sides(frozenset((way,)))
    left, right, up, down = (
        round(side * way.share) if to in way.sides else 0
        for to, side in zip(SIDES, (width, width, height, height), strict=True)
    )
    return _bounded((left + width + right, up + height + down), (left, up), size, most)


def with_ratio(size: tuple[int, int], ratio: tuple[int, int], most: int) -> Canvas:
    """The smallest canvas of an aspect ratio that holds the whole picture, in its middle. Raises NothingToAdd."""
    width, height = size
    wanted = ratio[0] / ratio[1]
    if abs(width / height / wanted - 1) < SAME_RATIO:
        raise NothingToAdd
    canvas = (max(width, round(height * wanted)), max(height, round(width / wanted)))
    return _bounded(canvas, ((canvas[0] - width) // 2, (canvas[1] - height) // 2), size, most)


def read_direction(text: str) -> tuple[Wanted | None, str]:
    """What a text asks for at its beginning, and the words that follow. Raises BadShare."""
    found = _RATIO.match(text)
    if found and int(found[1]) and int(found[2]):
        return (int(found[1]), int(found[2])), text[found.end() :].strip()
    if shared := _shared(text):
        return shared
    sides, rest = _named(text, apart=False)
    if rest:  # "left right" alone are two sides, before other words only what is joined is
        sides, rest = _named(text)
    if sides:
        return next(iter(sides)) if len(sides) == 1 else Sides(sides), rest.strip()
    for way, pattern in _SAID.items():
        said = pattern.match(text)
        if said:
            return way, text[said.end() :].strip()
    return None, text.strip()


def _shared(text: str) -> tuple[Sides, str] | None:
    """Sides and how much each is extended by, in either order: "left by 30%", "30% on all sides". Where no side is
    named it is the frame that becomes so much larger."""
    sides, rest = _every_or_named(text)
    said = _SHARE.match(rest)
    if said is None:
        return None
    rest = rest[said.end() :]
    if not sides:
        sides, after = _every_or_named(rest)
        sides, rest = (sides, after) if not after else _named(rest) if sides != frozenset(SIDES) else (sides, after)
    if not (sides or said["by"] or not rest):
        return None  # "100% wool"
    percent = float(said["percent"].replace(",", "."))
    if not PERCENT[0] <= percent <= PERCENT[1]:
        raise BadShare(said["percent"])
    return Sides(sides, percent / 100) if sides else Sides(frozenset(SIDES), percent / 200), rest.strip()


def _every_or_named(text: str) -> tuple[frozenset[Way], str]:
    """All sides, or those that are named one after the other before a share or the end."""
    every = _EVERY_SIDE.match(text)
    return (frozenset(SIDES), text[every.end() :]) if every else _named(text, apart=False)


def _named(text: str, *, apart: bool = True) -> tuple[frozenset[Way], str]:
    """The sides that a text begins with, and the words after them. Those that are to stand `apart` come after a comma
    or an "and" but for the first: "left right hand" is one side."""
    sides: set[Way] = set()
    said, rest = "", text
    while True:
        joint = _AND.match(rest) if sides else None
        after = rest[joint.end() :] if joint else rest
        way, found = next(((way, found) for way in SIDES if (found := _SAID[way].match(after))), (None, None))
        if way is None or found is None or (apart and sides and not (joint or "," in said)):
            return frozenset(sides), rest
        sides.add(way)
        said, rest = found[0], after[found.end() :]


def _said(*words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(words)})(?:[\s,:]+|$)", re.IGNORECASE)


_AND = re.compile(r"(?:и|and|\+|&)\s+", re.IGNORECASE)
_ALL_AROUND = ("around", "(?:on )?all sides", "вокруг", "со всех сторон", "во все стороны")
_EVERY_SIDE = _said(*_ALL_AROUND)
_SHARE = re.compile(
    r"(?P<by>(?:by|на)\s+)?(?P<percent>\d{1,4}(?:[.,]\d)?)\s*(?:%|процент(?:а|ов)?|per\s?cent)(?:[\s,:]+|$)",
    re.IGNORECASE,
)
_RATIO = re.compile(r"(?:(?:to|до|в)\s+)?(\d{1,4})[:xх×/](\d{1,4})(?:[\s,]+|$)", re.IGNORECASE)
_SAID: dict[Way, re.Pattern[str]] = {
    "left": _said(r"(?:to the )?left", "влево", "налево", "слева"),
    "right": _said(r"(?:to the )?right", "вправо", "направо", "справа"),
    "up": _said("up(?:wards?)?", "(?:at the )?top", "вверх", "наверх", "сверху", "вверху"),
    "down": _said("down(?:wards?)?", "(?:at the )?bottom", "вниз", "снизу", "внизу"),
    "zoom2": _said(r"zoom(?: out)?\s*2(?:[.,]0)?\s*[xх×]?", r"2\s*[xх×]", r"[xх×]2", r"в\s*(?:2|два)\s*раза", "вдвое"),
    "zoom15": _said(
        r"(?:zoom(?: out)?\s*)?1[.,]5\s*[xх×]?", r"[xх×]1[.,]5", r"в\s*(?:1[.,]5|полтора)\s*раза", "zoom(?: out)?",
        *_ALL_AROUND,
    ),
    "square": _said("(?:to a )?square", "(?:до |в )?квадрата?", "квадратно[мйе]"),
}  # fmt: skip


def _zoomed(size: tuple[int, int], factor: float, most: int) -> Canvas:
    scale = min(1.0, most / max(size))
    fitted = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    width, height = (max(side, SIDE_STEP) for side in fitted)
    inner = (max(1, round(fitted[0] / factor)), max(1, round(fitted[1] / factor)))
    return Canvas(width, height, ((width - inner[0]) // 2, (height - inner[1]) // 2, *inner), width / size[0])


def _bounded(canvas: tuple[int, int], corner: tuple[int, int], size: tuple[int, int], most: int) -> Canvas:
    """The canvas with everything on it made smaller where a side would be longer than `most`."""
    scale = min(1.0, most / max(canvas))
    width, height = (min(most, max(SIDE_STEP, round(side * scale))) for side in canvas)
    inner = [min(room, max(1, round(side * scale))) for side, room in zip(size, (width, height), strict=True)]
    x, y = (round(side * scale) for side in corner)
    box = (min(x, width - inner[0]), min(y, height - inner[1]), inner[0], inner[1])
    return Canvas(width, height, box, scale)
