"""Words on a picture, in a font of our own that has Latin and Cyrillic letters.

Whatever is written fits its room: letters grow smaller, then the end is cut. What the font has no sign for is left out.
"""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

INK, PAPER = (255, 255, 255, 255), (16, 16, 20, 190)
_FONT = Path(__file__).parent / "fonts" / "DejaVuSans-Bold.ttf"
_SIGNS = "\u0020-\u007e\u00a1-\u00ac\u00ae-\u017f\u0400-\u045f\u0490\u0491"
_SIGNS += "\u2010-\u2014\u2018-\u201f\u2026\u20ac\u20bd\u2116\u2122"
_UNKNOWN = re.compile(f"[^{_SIGNS}]")
_LONGEST = 200  # signs of a text that are looked at
_SMALLEST = 0.7  # of the usual size
_FINER = 4  # times as fine as the picture, so that round edges are smooth


def written(text: str) -> str:
    """What of a text can be written: in one line, without emoji and all else that the font has no sign for."""
    return " ".join(_UNKNOWN.sub("", re.sub(r"\s", " ", text[:_LONGEST])).split())


def put_label(sheet: Image.Image, left: int, top: int, room: int, height: int, text: str) -> None:
    """Writes on a dark strip with round ends whose upper left corner is there, at most `room` wide; nothing where
    nothing of the text can be written."""
    large = height * _FINER
    padding = round(large * 0.45)
    words, font = _fitted(written(text), large * 0.56, room * _FINER - 2 * padding)
    if not words:
        return
    width = min(room, math.ceil((font.getlength(words) + 2 * padding) / _FINER))
    strip = Image.new("RGBA", (width * _FINER, large))
    draw = ImageDraw.Draw(strip)
    draw.rounded_rectangle((0, 0, strip.width - 1, large - 1), radius=large / 2, fill=PAPER)
    draw.text((strip.width / 2, large / 2), words, font=font, fill=INK, anchor="mm")
    strip = strip.resize((width, height), Image.Resampling.LANCZOS)
    sheet.paste(strip, (left, top), strip)


def _fitted(text: str, size: float, room: float) -> tuple[str, ImageFont.FreeTypeFont]:
    """As much of a text as fits into so many pixels, and the font that it fits in: smaller first, then cut."""
    wide = _font(round(size)).getlength(text)
    if wide <= room:
        return text, _font(round(size))
    font = _font(round(size * max(_SMALLEST, room / wide)))
    if font.getlength(text) <= room:
        return text, font
    cut = next((end for end in range(len(text) - 1, 0, -1) if font.getlength(text[:end].rstrip() + "…") <= room), 0)
    return (text[:cut].rstrip() + "…" if cut else ""), font


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_FONT), max(1, size), layout_engine=ImageFont.Layout.BASIC)
