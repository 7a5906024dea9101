"""A picture from words alone."""

from __future__ import annotations

from typing import Literal, Self

from inference.requests.base import Ground, Guided, Sized
from inference.requests.fields import FLASH_STEPS


class FlashTextToImage(Sized):
    """Four-step Kandinsky 3.1 Flash. The distilled net takes neither guidance nor a negative prompt, so it has none."""

    kind: Literal["flash"] = "flash"

    @classmethod
    def shortest(cls, kind: str, given: Ground) -> Self:
        width, height = given.size
        return cls(prompt=given.words, seeds=(0,), width=width, height=height)

    @property
    def passes(self) -> int:
        return FLASH_STEPS


class TextToImage(Guided, Sized):
    """Kandinsky 3.1: a picture from a sentence."""

    kind: Literal["full"] = "full"

    @classmethod
    def shortest(cls, kind: str, given: Ground) -> Self:
        width, height = given.size
        return cls(prompt=given.words, seeds=(0,), width=width, height=height, steps=2)
