"""A variation of one picture, a mix of several, with or without words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from inference.requests.base import Ground, Guided, Sized
from inference.requests.fields import (
    FLASH_STEPS,
    MAX_PICTURES,
    Contract,
    Guidance,
    Scale,
    Seeds,
    Sources,
    WeighedSource,
)


class Varied(Contract):
    """Takes so much of its pictures as `image_scale` says; where `each` is given, every picture that it draws takes as
    much as that says of it, so that variations can be told apart."""

    if TYPE_CHECKING:
        seeds: Seeds
        image_scale: Scale

    each: Annotated[tuple[Scale, ...], Field(max_length=MAX_PICTURES, exclude_if=lambda each: not each)] = ()

    @model_validator(mode="after")
    def _one_for_each(self) -> Self:
        if self.each and len(self.each) != len(self.seeds):
            raise ValueError("each must have as many numbers as there are seeds")
        return self

    def only(self, tiles: Sequence[int]) -> Self:
        """The request for some of its pictures."""
        each = tuple(self.each[tile] for tile in tiles) if self.each else ()
        return self.model_copy(update={"seeds": tuple(self.seeds[tile] for tile in tiles), "each": each})


class Mix(Varied, Guided, Sized):
    """IP-Adapter: a variation of one picture, a mix of several, with or without words."""

    kind: Literal["mix"] = "mix"
    images: Sources
    image_scale: Scale = 1.0
    guidance_scale: Guidance = 7.5

    @classmethod
    def shortest(cls, kind: str, given: Ground) -> Self:
        width, height = given.size
        images = (_weighed(given),)
        return cls(prompt=given.words, seeds=(0,), width=width, height=height, images=images, steps=2)

    @property
    def sampled_steps(self) -> int:
        return self.steps

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(image.blob for image in self.images)


class FlashMix(Varied, Sized):
    """The adapter grafted on the distilled net: quick and experimental, nobody trained it so."""

    kind: Literal["mix_flash"] = "mix_flash"
    images: Sources
    image_scale: Scale = 1.0

    @classmethod
    def shortest(cls, kind: str, given: Ground) -> Self:
        width, height = given.size
        return cls(prompt=given.words, seeds=(0,), width=width, height=height, images=(_weighed(given),))

    @property
    def passes(self) -> int:
        return FLASH_STEPS

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(image.blob for image in self.images)


def _weighed(given: Ground) -> WeighedSource:
    return WeighedSource(**given.picture(*given.size).model_dump())
