"""A part of a picture painted anew."""

from __future__ import annotations

from typing import Literal

from inference.requests.base import Guided, Worded
from inference.requests.fields import Digest, Guidance, Side, Source


class Inpaint(Guided, Worded):
    """Repaints the white part of `mask`, a PNG (L) of the size of the image. The result has the size of the image.

    `focus`: a small area is repainted in a crop around it, at the model's full resolution. `paste`: everything outside
    the mask is the image's own pixels, joined by a feathered edge. With both off it is what the published code
    makes, brought to that size. `native_side`: the net is at its best with pictures of that many pixels squared
    (`Ability.native_size`).
    """

    kind: Literal["inpaint"] = "inpaint"
    image: Source
    mask: Digest
    guidance_scale: Guidance = 4.0
    focus: bool = True
    paste: bool = True
    native_side: Side = 1024

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
