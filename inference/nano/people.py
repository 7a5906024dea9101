"""Sentences that people wrote who had not seen how captions are made, and whether pictures show all that they say.

A file of them has one JSON object a line: `text` and `language`, and what the text says, with null for what it leaves
open: `kind`, `things` (left before right, upper before lower), `count`, `pairing`, `background`, `position`, `size`,
`style`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inference.nano.captions import Named
from inference.nano.checker import Blob, Seen, in_order, position
from inference.nano.drawing import draw_shape
from inference.nano.world import RADII

ASPECTS = ("ground", "colour", "shape", "count", "order", "position", "size")


@dataclass(frozen=True)
class Saying:
    """One person's sentence and what it says."""

    text: str
    language: str
    says: dict[str, Any]

    @property
    def readable(self) -> bool:
        """Whether the checker can tell: of line drawings and watercolours it can not."""
        return self.says["style"] is None


def sayings(path: Path) -> list[Saying]:
    """The sentences of a file."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return [Saying(line["text"], line["language"], line) for line in lines]


def verdict(saying: Saying, seen: Seen) -> dict[str, bool]:
    """Which of ASPECTS that the sentence speaks of are in the picture as it says."""
    says, out = saying.says, {}
    if says["background"]:
        out["ground"] = seen.background == says["background"]
    things = says["things"]
    shown = in_order(list(seen.blobs), says["pairing"]) if says["kind"] == "pair" else list(seen.blobs)
    if says["kind"] == "count":
        out["count"] = len(shown) == says["count"]
        things = things * len(shown) or things
    elif says["kind"] == "pair":
        out["count"] = len(seen.blobs) == 2
        out["order"] = [blob.shape for blob in shown] != [thing["shape"] for thing in reversed(things)]
    else:
        out["count"] = len(shown) == 1
    together = list(zip(things, shown, strict=False))
    enough = len(shown) >= len(things)
    out["shape"] = enough and all(blob.shape == thing["shape"] for thing, blob in together)
    if any(thing["colour"] for thing in things):
        out["colour"] = enough and all(blob.colour == thing["colour"] for thing, blob in together if thing["colour"])
    if says["position"]:
        out["position"] = bool(shown) and position(shown[0]) == says["position"]
    if says["size"]:
        out["size"] = bool(shown) and _size(shown[0]) == says["size"]
    return out


def _size(blob: Blob) -> str:
    radius = (blob.area / _area(blob.shape)) ** 0.5
    return min(RADII, key=lambda size: abs(RADII[size] - radius))


@lru_cache(maxsize=32)
def _area(shape: str) -> float:
    """Pixels that a shape of radius 1 covers."""
    image = Image.new("L", (256, 256), 0)
    draw_shape(image, shape, (255, 255, 255), (128, 128), 100, flat=True)
    return float((np.asarray(image) > 127).sum()) / 100**2


def named(saying: Saying) -> Named:
    """What the sentence says as the attributes of a caption."""
    says = saying.says
    found = {name: says[name] for name in ("kind", "background", "position", "size", "style") if says[name]}
    if says["kind"] == "pair":
        found["pairing"] = says["pairing"]
    if says["kind"] == "count":
        found["count"] = str(says["count"])
    for number, thing in enumerate(says["things"], 1):
        found |= {f"{what}{number}": thing[what] for what in ("shape", "colour") if thing[what]}
    return found
