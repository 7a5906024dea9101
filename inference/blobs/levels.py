"""Grey of more than eight bits brought to eight, by the depth that the file tells and never by how bright it happens to
be: a dark picture stays dark.

Integers of sixteen bits fill their range, those of twelve theirs. Integers of thirty-two bits are what programs write
who have sixteen and no better type; floats go from 0 to 1. What lies outside is black or white, and what is no number
is black.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

DEEP = ("I;16", "I;16B", "I;16L", "I", "F")
_BITS, _PHOTOMETRIC, _FORMAT = 258, 262, 339  # tags of TIFF
_SIGNED = 2


class Depth(NamedTuple):
    """The level that is white, and whether that is black instead."""

    white: float
    inverted: bool


def depth_of(image: Image.Image) -> Depth | None:
    """That of a picture in one of the modes DEEP, None of any other."""
    if image.mode not in DEEP:
        return None
    tags = getattr(image, "tag_v2", {})  # of a TIFF
    inverted = tags.get(_PHOTOMETRIC) == 0
    if image.mode == "F":
        return Depth(1.0, inverted)
    (bits,) = tags.get(_BITS, (16,))
    signed = bits == 16 and tags.get(_FORMAT) == (_SIGNED,)
    return Depth(float((1 << min(bits, 16) - signed) - 1), inverted)


def to_eight_bits(part: Image.Image, depth: Depth) -> tuple[Image.Image, Image.Image | None]:
    """Some rows of such a picture in mode L, and how opaque they are where one level stands for nothing."""
    given = np.asarray(part)
    clear = part.info.get("transparency")
    opacity = Image.fromarray(np.where(given == clear, 0, 255).astype(np.uint8)) if isinstance(clear, int) else None
    shown = given.astype(np.float32)
    shown *= 255 / depth.white
    if depth.inverted:
        np.subtract(255, shown, out=shown)
    shown += 0.5
    np.nan_to_num(shown, copy=False, nan=0.0)
    return Image.fromarray(np.clip(shown, 0, 255, out=shown).astype(np.uint8)), opacity
