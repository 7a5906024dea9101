"""A variation of one picture, a mix of several, with or without words."""

from __future__ import annotations

from typing import Literal

from inference.requests.base import Guided, Sized
from inference.requests.fields import FLASH_STEPS, Guidance, Scale, Sources


class Mix(Guided, Sized):
    """IP-Adapter: a variation of one picture, a mix of several, with or without words."""

    kind: Literal["mix"] = "mix"
    images: Sources
    image_scale: Scale = 1.0
    guidance_scale: Guidance = 7.5

    @property
    def sampled_steps(self) -> int:
        return self.steps

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(image.blob for image in self.images)


class FlashMix(Sized):
    """The adapter grafted on the distilled net: quick and experimental, nobody trained it so."""

    kind: Literal["mix_flash"] = "mix_flash"
    images: Sources
    image_scale: Scale = 1.0

    @property
    def passes(self) -> int:
        return FLASH_STEPS

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(image.blob for image in self.images)
