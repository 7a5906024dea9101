"""A picture drawn over."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from inference.requests.base import Guided, Sized
from inference.requests.fields import Source


class Refine(Guided, Sized):
    """A picture drawn over by the full model: noise is added up to `strength` of the way and taken out again."""

    kind: Literal["refine"] = "refine"
    image: Source
    strength: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.3

    @property
    def sampled_steps(self) -> int:
        return max(1, int(super().sampled_steps * self.strength))

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.image.blob,)
