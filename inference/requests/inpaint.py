"""A part of a picture painted anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from inference.requests.base import Ground, Guided, Price, Worded
from inference.requests.fields import Digest, Guidance, Side, Source


class Inpaint(Guided, Worded):
    """Repaints the white part of `mask`, a PNG (L) of the size of the image. The result has the size of the image.

    `focus`: a small area is repainted in a crop around it, at the model's full resolution. `paste`: everything outside
    the mask is the image's own pixels, joined by a feathered edge. With both off it is what the published code
    makes, brought to that size. `native_side`: the net is at its best with pictures of that many pixels squared
    (`Ability.native_size`).
    """

    PRICES: ClassVar[Mapping[str, Price]] = {"inpaint": Price(developing=15.0)}  # encoded, too

    kind: Literal["inpaint"] = "inpaint"
    image: Source
    mask: Digest
    guidance_scale: Guidance = 4.0
    focus: bool = True
    paste: bool = True
    native_side: Side = 1024

    @classmethod
    def shortest(cls, kind: str, given: Ground) -> Self:
        image, side = given.picture(*given.size), min(given.size)
        return cls(prompt=given.words, seeds=(0,), image=image, mask=given.mask, native_side=side, steps=2)

    @property
    def size(self) -> tuple[int, int]:
        return self.image.width, self.image.height

    @property
    def pass_size(self) -> tuple[int, int]:
        return self.native_side, self.native_side

    @property
    def sources(self) -> tuple[str, ...]:
        return self.image.blob, self.mask

    @property
    def pictures(self) -> tuple[str, ...]:
        return (self.image.blob,)
