"""A picture in a larger frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from inference.requests.base import Ground, Guided, Price, Worded
from inference.requests.fields import MAX_SIDE, SIDE_STEP, Guidance, Side, Source
from inference.requests.windows import outpaint_windows


class Outpaint(Guided, Worded):
    """Puts the image, resized to `box` = (x, y, width, height), on a canvas of width x height and paints the rest.

    `native_side` as in `Inpaint`: what does not fit there, or knows too little, is painted window by window.
    """

    PRICES: ClassVar[Mapping[str, Price]] = {"outpaint": Price(developing=15.0)}  # encoded, too

    kind: Literal["outpaint"] = "outpaint"
    image: Source
    width: Annotated[int, Field(ge=SIDE_STEP, le=2 * MAX_SIDE)]
    height: Annotated[int, Field(ge=SIDE_STEP, le=2 * MAX_SIDE)]
    box: tuple[int, int, int, int]
    guidance_scale: Guidance = 4.0
    native_side: Side = 1024

    @model_validator(mode="after")
    def _box_lies_inside(self) -> Self:
        x, y, width, height = self.box
        if min(x, y) < 0 or min(width, height) < 1 or x + width > self.width or y + height > self.height:
            raise ValueError("box must lie inside the canvas")
        if (width, height) == (self.width, self.height):
            raise ValueError("box must leave something to paint")
        return self

    @classmethod
    def shortest(cls, kind: str, given: Ground) -> Self:
        width, height = given.size
        return cls(
            prompt=given.words,
            seeds=(0,),
            image=given.picture(width, height),
            width=width,
            height=height,
            box=(0, 0, width * 3 // 4, height),
            native_side=min(width, height),
            steps=2,
        )

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    @property
    def pass_size(self) -> tuple[int, int]:
        return self.native_side, self.native_side

    @property
    def windows(self) -> int:
        return len(outpaint_windows(self.width, self.height, self.box, self.native_side))

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.image.blob,)
