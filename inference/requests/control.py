"""A new picture that keeps the outlines or the relief of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from inference.requests.base import Ground, Guided, Price, Sized
from inference.requests.fields import Guidance, Level, Scale, Share, Source, Styles


class Control(Guided, Sized):
    """Keeps the outlines (hed, scribble) or the relief (depth) of `image`, takes everything else from the words.

    `drawn`: the image is itself the outline drawing or the depth map. `start` and `end` are the shares of the steps
    between which it is held to, `scale` how tightly. With `styles` the look comes from other pictures (depth and
    scribble only): style transfer. `hint_range` is what black and white of the outlines or the map are to the net.
    Nobody has published it; [0, 1] is what the same authors' control nets of Kandinsky 2.2 take.
    """

    PRICES: ClassVar[Mapping[str, Price]] = {"depth": Price(1.4), "scribble": Price(1.4)}  # a control net beside

    kind: Literal["hed", "depth", "scribble"]
    image: Source
    drawn: bool = False
    scale: Scale = 1.0
    start: Share = 0.0
    end: Share = 1.0
    guidance_scale: Guidance = 7.0
    styles: Styles = ()
    style_scale: Scale = 1.0
    hint_range: tuple[Level, Level] = (0.0, 1.0)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.start > self.end:
            raise ValueError("start must not lie behind end")
        if self.styles and self.kind == "hed":
            raise ValueError("styles go with depth and scribble only")
        if self.hint_range[0] == self.hint_range[1]:
            raise ValueError("hint_range must tell black from white")
        return self

    @classmethod
    def shortest(cls, kind: str, given: Ground) -> Self:
        width, height = given.size
        fields = {"prompt": given.words, "seeds": (0,), "width": width, "height": height, "steps": 2}
        return cls.model_validate(
            {"kind": kind, "image": given.picture(width, height), "drawn": kind == "depth", **fields}
        )

    @property
    def sampled_steps(self) -> int:
        return self.steps

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.image.blob, *(style.blob for style in self.styles))

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.kind, "mix") if self.styles else (self.kind,)
