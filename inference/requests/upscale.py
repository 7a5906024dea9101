"""A picture enlarged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from inference.requests.base import Ground, Price, Request
from inference.requests.fields import FLASH_STEPS, MAX_PIXELS, Seeds, Source

SR_STEPS = 5
SR_WINDOW, SR_STRIDE = 1024, 800


class Upscale(Request):
    """KandiSuperRes: two or four times the size. `refine` (flash_x2 only) draws detail over with the Flash model.

    `exact_official_resize` stretches odd sizes as the published code does, for comparisons; else they are padded.
    """

    PRICES: ClassVar[Mapping[str, Price]] = {
        "x2": Price(5.0, 0.5),
        "x4": Price(5.0, 0.5),
        "flash_x2": Price(5.0, 15.0),  # drawn over through the codec
    }

    kind: Literal["x2", "x4", "flash_x2"]
    image: Source
    seeds: Seeds
    refine: bool = True
    exact_official_resize: bool = False

    @model_validator(mode="after")
    def _bounded_result(self) -> Self:
        if self.width * self.height > MAX_PIXELS:
            raise ValueError(f"the result must not exceed {MAX_PIXELS} pixels")
        return self

    @classmethod
    def shortest(cls, kind: str, given: Ground) -> Self:
        factor = 4 if kind == "x4" else 2
        width, height = (max(1, side // factor) for side in given.size)
        return cls.model_validate({"kind": kind, "image": given.picture(width, height), "seeds": (0,)})

    @property
    def factor(self) -> int:
        return 4 if self.kind == "x4" else 2

    @property
    def width(self) -> int:
        return self.image.width * self.factor

    @property
    def height(self) -> int:
        return self.image.height * self.factor

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    @property
    def pass_size(self) -> tuple[int, int]:
        return min(self.width, SR_WINDOW), min(self.height, SR_WINDOW)

    @property
    def passes(self) -> int:
        return FLASH_STEPS + self.refine if self.kind == "flash_x2" else SR_STEPS

    @property
    def windows(self) -> int:
        return math.prod(math.ceil(max(0, side - SR_WINDOW) / SR_STRIDE) + 1 for side in self.size)

    @property
    def cost(self) -> float:
        """Of the result, each part of it once: what windows have in common is not counted twice."""
        return len(self.seeds) * self.passes * math.prod(self.size) / 1e6

    @property
    def developed(self) -> float:
        return len(self.seeds) * math.prod(self.size) / 1e6

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.image.blob,)
