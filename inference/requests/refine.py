"""A picture drawn over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from inference.requests.base import Ground, Guided, Price, Sized
from inference.requests.fields import Source


class Refine(Guided, Sized):
    """A picture drawn over by the full model: noise is added up to `strength` of the way and taken out again."""

    PRICES: ClassVar[Mapping[str, Price]] = {"refine": Price(developing=15.0)}  # encoded, too

    kind: Literal["refine"] = "refine"
    image: Source
    strength: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.3

    @classmethod
    def shortest(cls, kind: str, given: Ground) -> Self:
        width, height = given.size
        image = given.picture(width, height)
        return cls(prompt=given.words, seeds=(0,), width=width, height=height, image=image, steps=2, strength=1.0)

    @property
    def sampled_steps(self) -> int:
        return max(1, int(super().sampled_steps * self.strength))

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.image.blob,)
