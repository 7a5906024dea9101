"""What a person asks the toy for."""

from __future__ import annotations

from typing import Literal

from inference.requests import Worded

SIDE = 16  # tiles
TILE = 8  # pixels


class Mosaic(Worded):
    """A picture of tiles, painted one after the other."""

    kind: Literal["mosaic"] = "mosaic"

    @property
    def size(self) -> tuple[int, int]:
        return SIDE * TILE, SIDE * TILE

    @property
    def passes(self) -> int:
        return 1
